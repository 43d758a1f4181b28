#include "probe/cgroup.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "probe/proc.h"

namespace halcyon::probe {
namespace {

/// A mounted hierarchy, of /proc/self/mountinfo.
struct Mount {
  std::string root{};   ///< the group that is mounted; "/" unless we are in a container
  std::string point{};  ///< where
  bool v2 = false;
  std::vector<std::string> controllers{};  ///< version 1; "name=systemd" as it is
};

/// Undoes \040 and the like.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); i++) {
    const auto code = text[i] == '\\' ? to_number<uint8_t>(text.substr(i + 1, 3), 8) : std::nullopt;
    plain += code ? static_cast<char>(*code) : text[i];
    if (code) i += 3;
  }
  return plain;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) parts.emplace_back(take_until(text, separator));
  return parts;
}

std::vector<Mount> cgroup_mounts(const SystemRoot& root) {
  std::vector<Mount> mounts;
  const auto text = root.text("/proc/self/mountinfo");
  std::string_view lines = text ? std::string_view(*text) : std::string_view();
  while (!lines.empty()) {
    std::string_view line = take_until(lines, '\n');
    const size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    std::string_view type = line.substr(dash + 3);
    const std::string_view name = take_word(type);
    if (name != "cgroup" && name != "cgroup2") continue;
    take_word(type);                                                // the source
    for (int skipped = 0; skipped < 3; skipped++) take_word(line);  // ids and device
    Mount mount{.v2 = name == "cgroup2"};
    mount.root = unescaped(take_word(line));
    mount.point = unescaped(take_word(line));
    if (!mount.v2) mount.controllers = split(take_word(type), ',');
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

/// The folder of group `path` where its hierarchy is mounted, if it is below what is mounted.
std::optional<std::string> folder_of(const Mount& mount, std::string_view path) {
  if (mount.root != "/") {
    if (!path.starts_with(mount.root)) return std::nullopt;
    path.remove_prefix(mount.root.size());
    if (!path.empty() && path[0] != '/') return std::nullopt;
  }
  if (path.find("/..") != std::string_view::npos) return std::nullopt;  // outside of our cgroup namespace
  return mount.point + std::string(path == "/" ? "" : path);
}

/// The id between `prefix` and `suffix`, in one name of a path.
std::optional<std::string> between(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) || !name.ends_with(suffix))
    return std::nullopt;
  return std::string(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
}

/// By the names that the runtimes give their groups, with either of their two cgroup drivers:
/// ".../docker-ID.scope" (systemd) or "/docker/ID" (cgroupfs).
std::optional<Container> container_of(std::string_view path) {
  struct Pattern {
    std::string_view parent, prefix, suffix, runtime;
  };
  static constexpr Pattern kPatterns[] = {
      {"", "docker-", ".scope", "docker"},
      {"docker", "", "", "docker"},
      {"", "libpod-", ".scope", "podman"},
      {"", "libpod-", "", "podman"},
      {"", "cri-containerd-", ".scope", "kubernetes"},
      {"", "crio-", ".scope", "kubernetes"},
      {"", "lxc.payload.", "", "lxc"},
      {"lxc", "", "", "lxc"},
      {"", "machine-", ".scope", "systemd-nspawn"},
  };
  const std::vector<std::string> names = split(path, '/');
  const bool kubernetes = path.find("kubepods") != std::string_view::npos;
  for (size_t i = 0; i < names.size(); i++)
    for (const Pattern& pattern : kPatterns) {
      if (!pattern.parent.empty() && (i == 0 || names[i - 1] != pattern.parent)) continue;
      if (names[i].starts_with("libpod-conmon-")) continue;  // podman's watcher, not the container
      if (const auto id = between(names[i], pattern.prefix, pattern.suffix))
        return Container{.runtime = std::string(kubernetes ? "kubernetes" : pattern.runtime), .id = *id};
    }
  if (kubernetes) return Container{.runtime = "kubernetes", .id = names.back()};
  return std::nullopt;
}

}  // namespace

Result<Cgroup> cgroup_of(pid_t pid, const SystemRoot& root) {
  TRY(const std::string text, root.text(fmt::format("/proc/{}/cgroup", pid)));
  const std::vector<Mount> mounts = cgroup_mounts(root);
  Cgroup cgroup;
  std::string_view lines = text;
  while (!lines.empty()) {  // "0::/path" of version 2, "4:cpu,cpuacct:/path" of version 1
    std::string_view path = take_until(lines, '\n');
    const bool v2 = take_until(path, ':') == "0";
    const std::vector<std::string> controllers = split(take_until(path, ':'), ',');
    if (!cgroup.container) cgroup.container = container_of(path);
    if (v2 || cgroup.path.empty() || (cgroup.path == "/" && !cgroup.unified)) cgroup.path = path;
    for (const Mount& mount : mounts) {
      if (mount.v2 != v2) continue;
      const auto folder = folder_of(mount, path);
      if (!folder) continue;
      if (v2) cgroup.unified = folder;
      for (const std::string& controller : controllers)
        if (std::ranges::find(mount.controllers, controller) != mount.controllers.end())
          cgroup.v1[controller] = *folder;
    }
  }
  if (!cgroup.unified && cgroup.v1.empty())
    return fail("process {}: its control group {} is not mounted here (/proc/self/mountinfo)", pid,
                cgroup.path);
  return cgroup;
}

std::optional<Freezer> freezer_of(const Cgroup& cgroup, const SystemRoot& root) {
  std::vector<Freezer> candidates;
  if (cgroup.unified) candidates.push_back({*cgroup.unified + "/cgroup.freeze", "1", "0"});
  if (const auto v1 = cgroup.v1.find("freezer"); v1 != cgroup.v1.end())
    candidates.push_back({v1->second + "/freezer.state", "FROZEN", "THAWED"});
  for (const Freezer& freezer : candidates)
    if (std::error_code error; std::filesystem::exists(root.at(freezer.file), error)) return freezer;
  return std::nullopt;
}

Result<uint64_t> cgroup_cpu_ns(const Cgroup& cgroup, const SystemRoot& root) {
  if (const auto v1 = cgroup.v1.find("cpuacct"); v1 != cgroup.v1.end()) {
    TRY(const int64_t ns, root.number(v1->second + "/cpuacct.usage"));
    return static_cast<uint64_t>(ns);
  }
  if (!cgroup.unified) return fail("control group {}: no controller accounts for CPU time", cgroup.path);
  TRY(const std::string text, root.text(*cgroup.unified + "/cpu.stat"));
  std::string_view lines = text;
  while (!lines.empty()) {
    std::string_view line = take_until(lines, '\n');
    if (take_word(line) != "usage_usec") continue;
    if (const auto usec = to_number<uint64_t>(take_word(line))) return *usec * 1000;
  }
  return fail("{}/cpu.stat: there is no usage_usec", *cgroup.unified);
}

}  // namespace halcyon::probe
