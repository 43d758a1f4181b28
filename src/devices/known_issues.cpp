#include "devices/known_issues.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devices/text.h"

extern "C" const char halcyon_known_issues_begin[], halcyon_known_issues_end[];

namespace halcyon::devices {
namespace {

bool matches(const KnownIssue& issue, std::string_view version) {
  if (!issue.is.empty()) {  // "1.21" is "1.21.7", but not "1.210"
    const std::string_view rest = version.substr(std::min(issue.is.size(), version.size()));
    return version.starts_with(issue.is) && (rest.empty() || rest[0] < '0' || rest[0] > '9');
  }
  return (issue.from.empty() || !is_older(version, issue.from)) &&
         (issue.before.empty() || is_older(version, issue.before));
}

}  // namespace

std::string_view known_issues_json() { return {halcyon_known_issues_begin, halcyon_known_issues_end}; }

Result<std::vector<KnownIssue>> parse_known_issues(std::string_view text) {
  using nlohmann::json;
  std::vector<KnownIssue> issues;
  try {
    const json document = json::parse(text);
    for (const json& entry : document.at("issues")) {
      KnownIssue issue{.component = entry.at("component"),
                       .is = entry.value("is", ""),
                       .from = entry.value("from", ""),
                       .before = entry.value("before", ""),
                       .gfx = entry.value("gfx", std::vector<std::string>()),
                       .what = entry.at("what"),
                       .advice = entry.at("advice"),
                       .source = entry.at("source")};
      if (issue.is.empty() && issue.from.empty() && issue.before.empty())
        return fail("known issue {}: it has none of is, from and before", issues.size());
      issues.push_back(std::move(issue));
    }
  } catch (const json::exception& error) {
    return fail("known issue {}: {}", issues.size(), error.what());
  }
  return issues;
}

std::vector<KnownIssue> issues_of(const std::vector<KnownIssue>& known,
                                  const std::map<std::string, std::string>& versions,
                                  std::span<const std::string> gfx) {
  std::vector<KnownIssue> found;
  for (const KnownIssue& issue : known) {
    const auto version = versions.find(issue.component);
    if (version == versions.end() || !matches(issue, version->second)) continue;
    const bool has_gpu = issue.gfx.empty() || std::ranges::any_of(gfx, [&](const std::string& target) {
                           return std::ranges::find(issue.gfx, target) != issue.gfx.end();
                         });
    if (has_gpu) found.push_back(issue);
  }
  return found;
}

}  // namespace halcyon::devices
