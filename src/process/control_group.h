// A control group of our own, in which a server can be frozen.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::process {

/// What to write where; of version 2 (cgroup-v2.rst, cgroup.freeze) or of version 1's freezer
/// (freezer-subsystem.rst).
struct ControlGroup {
  std::string folder;
  std::string state_file;    ///< freezes and thaws
  std::string freeze, thaw;  ///< written to it
  bool v2 = false;

  std::string members_file() const { return folder + "/cgroup.procs"; }  ///< writing "0" joins
};

enum class CgroupVersion { any, v1, v2 };

/// Makes an empty group below that of this process, version 2 before version 1, and removes those that other
/// guards which are gone have left behind. Fails if the system lets us make none.
Result<ControlGroup> make_control_group(std::string_view name, const SystemRoot& root = {},
                                        CgroupVersion version = CgroupVersion::any);

/// Without effect if something stays in it.
void remove_control_group(const ControlGroup& group);

/// Sends a signal to every process in it. Only system calls: for copies of a process with threads as well.
void signal_members(const char* members_file, int signal);

}  // namespace halcyon::process
