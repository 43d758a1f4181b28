// Where a process spends its CPU time: hot ranges of addresses, by object file and, where there are symbols,
// by name.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace halcyon::probe {

struct HotRange {
  std::string object;    ///< path of the mapped file, "[vdso]", "[anonymous]" or "[kernel]"
  uint64_t offset = 0;   ///< of the first sample in the file, or in the mapping if there is none
  uint64_t size = 0;     ///< bytes from the first to behind the last sample of the range
  double share = 0;      ///< of all samples, 0 to 1
  std::string symbol{};  ///< demangled; empty if there is none
};

struct HotRanges {
  std::string method;  ///< "perf events" or "ptrace"
  std::string note;  ///< why less is seen than could be, and what would allow it; empty if nothing is missing
  size_t samples = 0;
  std::chrono::nanoseconds stopped{};  ///< how long threads were held for all samples together (ptrace)
  std::vector<HotRange> ranges;        ///< most samples first; those of one symbol are one range
};

enum class SampleMethod {
  best,         ///< perf events; where those are refused, ptrace
  perf_events,  ///< the kernel notes the address, nothing is stopped; sees time inside the kernel where
                ///< allowed
  ptrace,       ///< threads that run are stopped for microseconds; a system call counts where it returns to
};

/// Samples the running threads `tids` of process `pid` for `duration`. A thread that sleeps gives no sample,
/// and is not woken. A stop ends it early. Fails with what would allow it.
///
/// With ptrace nobody else in this program may wait for the process meanwhile (waitpid takes the stops away):
/// watch a pidfd. If this program ends in the middle, however it ends, the kernel lets the process go on.
Result<HotRanges> sample_hot_ranges(pid_t pid, const std::vector<pid_t>& tids,
                                    std::chrono::milliseconds duration,
                                    SampleMethod method = SampleMethod::best,
                                    const std::stop_token& stop = {});

}  // namespace halcyon::probe
