// What the machine does beside a process: GPUs and the kernel's own workers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/system_root.h"

namespace halcyon::probe {

struct GpuState {
  std::string card;                    ///< "card1"
  bool suspended = false;              ///< powered down: nothing else is read, since that would wake it
  std::optional<double> busy_percent;  ///< gpu_busy_percent
  std::optional<double> clock_mhz;     ///< the active line of pp_dpm_sclk, or hwmon's freq1_input
  std::optional<double> watts;         ///< hwmon's power1_average or power1_input
  std::optional<uint64_t> vram_used_bytes, gtt_used_bytes;
};

/// All GPUs that sysfs shows, by card. What a driver does not tell is empty.
std::vector<GpuState> gpu_states(const SystemRoot& root = {});

/// Time that GPU engines worked for these processes so far, in ns: drm-engine-* of /proc/PID/fdinfo, each
/// client of a device once, however many descriptors and processes share it. Empty if none of them has a GPU
/// open, or if that can't be seen (another user's). amdgpu leaves out what goes through /dev/kfd, so for ROCm
/// this is no upper bound.
std::optional<uint64_t> gpu_ns(const std::vector<pid_t>& pids, const SystemRoot& root = {});

struct KernelWorker {
  pid_t pid = 0;
  std::string name;  ///< with its work queue: "kworker/u64:3-events_freezable"
  uint64_t cpu_ns = 0;
};

/// The kernel's threads and what CPU time they have used so far, to clock ticks; none inside a container.
/// Reads a file for each process of the machine: for the ends of a window, not for once a second.
std::vector<KernelWorker> kernel_workers(const SystemRoot& root = {});

struct WorkerUsage {
  pid_t pid = 0;
  std::string name;
  double cpu_percent = 0;
};

/// What the kernel's threads used between two looks, busiest first; those that used nothing are left out.
std::vector<WorkerUsage> worker_usage(const std::vector<KernelWorker>& from,
                                      const std::vector<KernelWorker>& to, double seconds);

}  // namespace halcyon::probe
