// What is in the way of running models on this machine, each with the setting that changes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "devices/known_issues.h"
#include "devices/machine.h"

namespace halcyon::devices {

struct Finding {
  enum class Level { problem, hint } level;  ///< a hint: it works, and could be better
  std::string id;      ///< "gtt", "gttsize", "carve_out", "known_issue", … : stable, for programs
  std::string what;    ///< the fact, with its figures
  std::string advice;  ///< what to do
  std::vector<std::string> settings = {};  ///< lines to put where `advice` says
  std::string source = {};                 ///< a URL; empty: the kernel's documentation
};

std::string_view name_of(Finding::Level level);

/// All of them, problems first.
std::vector<Finding> find(const Machine& machine, const std::vector<KnownIssue>& known);

}  // namespace halcyon::devices
