// What the operating system says of this machine.
#pragma once

#include <cstdint>
#include <string>

namespace halcyon {

/// Bytes that can still be allocated without swapping: the kernel's MemAvailable, or what the process's
/// cgroup leaves if that is less. The largest number if neither can be read.
uint64_t available_memory();

/// Processor cores that this process may run on; threads of one core count once.
int32_t available_cores();

/// The processor's name, or "unknown CPU".
std::string cpu_name();

}  // namespace halcyon
