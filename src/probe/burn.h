// Why a server burns while it is idle: which of the three known causes, with the evidence.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probe/hot_ranges.h"
#include "probe/machine.h"
#include "probe/process_tree.h"

namespace halcyon::probe {

/// docs and sources in probe/burn.cpp: a runtime's event loop that polls, a GPU held at full clock by idle
/// processes, a worker of the kernel that never ends.
enum class BurnCause { none, cpu_spin, gpu_pinned, kernel_worker };
std::string_view name_of(BurnCause cause);  ///< "none", "cpu_spin", …

/// What was seen over a time in which nothing was asked of the server.
struct IdleEvidence {
  Usage usage;
  std::vector<std::vector<GpuState>> gpus;  ///< by instant
  std::vector<WorkerUsage> workers;         ///< the kernel's, busiest first
  std::optional<HotRanges> hot_ranges;      ///< of the busy threads, if they were sampled
};

struct Burn {
  BurnCause cause = BurnCause::none;  ///< of several, the one that costs most
  std::vector<std::string> evidence;  ///< sentences with figures, those of `cause` first
  std::vector<std::string> advice;    ///< what cures each cause found, and what does not
};

Burn diagnose(const IdleEvidence& evidence);

}  // namespace halcyon::probe
