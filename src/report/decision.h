// The advice about the servers of a report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/advice.h"
#include "report/cost_sections.h"

namespace halcyon::report {

/// Advice about those subjects that have the figures for it.
struct Decision {
  std::optional<Advice> advice;       ///< for the workload "server"
  std::vector<size_t> subjects;       ///< of each candidate
  std::vector<std::string> problems;  ///< why there is none, or none about somebody

  /// These three need advice.
  std::string name(const Option& option) const;  ///< "HIP, frozen while idle"
  size_t colour(const Option& option) const { return subjects[option.candidate]; }
  std::string_view mark(const Option& option) const;  ///< "~" if its cost is an estimate
};

Decision decide(const Subjects& subjects);

}  // namespace halcyon::report
