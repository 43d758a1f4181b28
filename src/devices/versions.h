// Which versions of what a measurement depends on this machine has.
#pragma once

#include <map>
#include <string>

#include "base/system_root.h"

namespace halcyon::devices {

/// "kernel", "cpu", "microcode", "linux-firmware", "vbios", "amdgpu", "nvidia", "rocm", "mesa": those that
/// are there, with their versions. Read from files alone: no driver is called.
std::map<std::string, std::string> current_versions(const SystemRoot& root);

}  // namespace halcyon::devices
