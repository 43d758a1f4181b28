// How fast this machine reads memory, multiplies and adds at best.
#pragma once

#include "backend/backend.h"
#include "backend/cpu/limits.h"
#include "backend/cpu/pages.h"
#include "backend/cpu/thread_team.h"

namespace halcyon::cpu {

/// What measure_read() reads: larger than any cache, on huge pages as weights are, each thread's part touched
/// by it. Fails if there is not the memory.
Result<Pages> read_buffer(ThreadTeam& team);

/// A rate, and the layout that reached it.
struct Rate {
  double per_second = 0;
  const char* layout = "";
};

/// The most bytes per second that all threads together read, over about `seconds`. Machines that share their
/// memory with others change from minute to minute: measure right before and right after what it is compared
/// with.
Rate measure_read(const LimitLoops& loops, ThreadTeam& team, const Pages& buffer, double seconds);

/// All limits, in about `seconds`.
Result<backend::Limits> measure_limits(const LimitLoops& loops, ThreadTeam& team, double seconds);

}  // namespace halcyon::cpu
