// The control group of a process: where it is, whether it can be frozen, what CPU time it has used.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::probe {

/// Who runs a process in a container, as far as the names of its control groups tell.
struct Container {
  std::string runtime;  ///< "docker", "podman", "kubernetes", "lxc", "systemd-nspawn"
  std::string id;       ///< the container's id or name
};

/// A process is in one group of each mounted hierarchy: a single one (version 2), one per controller
/// (version 1), or both at once (hybrid).
struct Cgroup {
  std::string path;                       ///< of version 2 if there is one, else of a version 1 hierarchy
  std::optional<std::string> unified;     ///< folder of the version 2 group, if it can be reached
  std::map<std::string, std::string> v1;  ///< controller → folder of the version 1 group
  std::optional<Container> container;

  bool hybrid() const { return unified && !v1.empty(); }
};

/// Fails if the process is gone, or no hierarchy that it is in is mounted here.
Result<Cgroup> cgroup_of(pid_t pid, const SystemRoot& root = {});

/// The file that freezes the group, and what to write: "…/cgroup.freeze" and "1"/"0" of version 2,
/// "…/freezer.state" and "FROZEN"/"THAWED" of version 1. Empty for a root group, which can't be frozen.
struct Freezer {
  std::string file;
  std::string freeze, thaw;
};
std::optional<Freezer> freezer_of(const Cgroup& cgroup, const SystemRoot& root = {});

/// CPU time that the group and those below it have used, with what has ended: cpuacct.usage (version 1), else
/// usage_usec of cpu.stat (version 2). Fails if neither can be read.
Result<uint64_t> cgroup_cpu_ns(const Cgroup& cgroup, const SystemRoot& root = {});

}  // namespace halcyon::probe
