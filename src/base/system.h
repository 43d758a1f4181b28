// What the operating system says of this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace halcyon {

/// Bytes that can still be allocated without swapping: the kernel's MemAvailable, or what the process's
/// cgroup leaves if that is less. The largest number if neither can be read.
uint64_t available_memory();

/// The most memory that this process has had since it was started, or since forget_peak_memory(), in bytes
/// (VmHWM of proc(5)); empty if the system does not say.
std::optional<uint64_t> peak_memory();

/// Makes the memory that this process has now its peak. False: the system can't, and the peak stays.
bool forget_peak_memory();

/// Processor cores that this process may run on; threads of one core count once.
int32_t available_cores();

/// The processor's name, or "unknown CPU".
std::string cpu_name();

/// The kernel's name and release: "Linux 6.1.0-13-amd64".
std::string kernel_name();

}  // namespace halcyon
