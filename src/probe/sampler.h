// The two ways of asking a running thread where it is.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::probe {

struct Samples {
  std::vector<uint64_t> addresses;  ///< in user space
  size_t in_kernel = 0;             ///< samples that were inside the kernel
  bool kernel_hidden = false;       ///< time inside the kernel gave no samples: it is not allowed
  std::chrono::nanoseconds stopped{};
};

/// perf_event_open(2): the CPU clock of each thread, about 500 samples per second of CPU time. A stop ends it
/// early, here and below.
Result<Samples> sample_by_perf_events(const std::vector<pid_t>& tids, std::chrono::milliseconds duration,
                                      const std::stop_token& stop = {});

/// ptrace(2): about 250 looks a second at the threads that run.
Result<Samples> sample_by_ptrace(pid_t pid, const std::vector<pid_t>& tids,
                                 std::chrono::milliseconds duration, const std::stop_token& stop = {});

/// Why ptrace(2) was refused and what to do, as far as the system's settings tell.
std::string ptrace_refusal(pid_t pid, const SystemRoot& root = {});

/// Why perf_event_open(2) was refused, by its errno, and what to do.
std::string perf_refusal(int error, const SystemRoot& root = {});

}  // namespace halcyon::probe
