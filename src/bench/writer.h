// Results as text: for a terminal, for a page, for a spreadsheet, for programs.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/model_file.h"
#include "bench/record.h"
#include "bench/result.h"

namespace halcyon::bench {

/// Makes text piece by piece, so that each result is there as soon as it is measured. What add() and finish()
/// return is appended to what came before.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual std::string add(const CaseResult& result) = 0;
  virtual std::string finish() = 0;
};

inline constexpr std::string_view kFormats[] = {"table", "md", "csv", "json"};

/// `format`: one of kFormats. `models` must outlive the writer.
///   table   aligned, results of one setup under a line that describes it, with notes at the end
///   md      a table for GitHub, as llama-bench makes it, with more columns
///   csv     RFC 4180: a line of names and one for each case, as in JSON but for the lists
///   json    an array of objects (record.h)
std::unique_ptr<Writer> make_writer(std::string_view format, const std::vector<ModelFile>& models,
                                    const Machine& machine);

std::unique_ptr<Writer> make_table_writer(const std::vector<ModelFile>& models);
std::unique_ptr<Writer> make_markdown_writer(const std::vector<ModelFile>& models);

}  // namespace halcyon::bench
