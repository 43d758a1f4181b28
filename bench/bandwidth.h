// How fast this machine reads memory, to compare with: decoding is bound by it.
#pragma once

#include "backend/cpu/thread_team.h"

namespace halcyon::bench {

/// Bytes per second that all threads of the team together read from memory, the best of several layouts, over
/// a buffer larger than any cache. Machines that share their memory with others change from minute to minute:
/// measure right before and right after what it is compared with.
double read_bandwidth(cpu::ThreadTeam& team);

/// Threads of the benchmarks: HALCYON_BENCH_THREADS, or one for each core.
int32_t threads();

}  // namespace halcyon::bench
