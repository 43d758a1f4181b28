// Where the results of `halcyon bench` go.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/writer.h"

namespace halcyon::cli {

struct BenchFiles {
  std::string format;  ///< one of bench::kFormats; empty: what the file's name says, else a table
  std::string output;  ///< a file; empty: standard output
  std::string plot;    ///< an SVG file; empty: none
};

/// Each result is out as soon as it is there: on standard output behind those before it; a file is written
/// anew, and is at any time the whole document of what has been measured.
class BenchOutput {
 public:
  /// `models` must outlive it.
  BenchOutput(BenchFiles files, const std::vector<bench::ModelFile>& models);

  /// Writes what there is without a result: a file that can't be written is found out before anything is
  /// measured.
  Result<void> begin();
  Result<void> add(const bench::CaseResult& result);
  Result<void> end();

  size_t n_results() const { return results_.size(); }

 private:
  Result<void> print(const std::string& text);
  Result<void> write_files() const;
  std::unique_ptr<bench::Writer> writer() const;

  const BenchFiles files_;
  const std::vector<bench::ModelFile>& models_;
  const bench::Machine machine_ = bench::this_machine();
  std::unique_ptr<bench::Writer> writer_;  ///< of standard output
  std::vector<bench::CaseResult> results_;
};

}  // namespace halcyon::cli
