// Figures to compare that somebody typed: a TOML file. examples/case-study-a.toml shows every key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "report/advice_candidate.h"
#include "report/advice_workload.h"

namespace halcyon::report {

inline constexpr double kMaxPricePerKwh = 1000;

/// What a kWh costs.
struct Price {
  double per_kwh = 0;
  std::string currency = "EUR";
};

struct AdviceFile {
  std::vector<Candidate> candidates;
  std::optional<WorkloadRequest> workload;
  std::optional<Price> price;
};

/// Reads a file. What is no TOML, an unknown key, a value of the wrong type or out of range: the error has
/// file, line, key and what is expected.
Result<AdviceFile> read_advice_file(const std::string& path);

}  // namespace halcyon::report
