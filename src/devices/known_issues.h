// Versions of kernels, firmware and runtimes that are known to be bad: known_issues.json, built in.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace halcyon::devices {

struct KnownIssue {
  std::string component;         ///< a name of current_versions()
  std::string is, from, before;  ///< versions; empty: not asked for
  std::vector<std::string> gfx;  ///< targets that have it; empty: any machine
  std::string what, advice, source;
};

/// Parses the data file. The error names the entry and the member that is wrong.
Result<std::vector<KnownIssue>> parse_known_issues(std::string_view json);

/// Those that are built in.
std::string_view known_issues_json();

/// The ones that this machine has, given its versions and the targets of its GPUs.
std::vector<KnownIssue> issues_of(const std::vector<KnownIssue>& known,
                                  const std::map<std::string, std::string>& versions,
                                  std::span<const std::string> gfx);

}  // namespace halcyon::devices
