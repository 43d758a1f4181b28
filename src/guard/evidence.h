// What can be seen of a server while nothing is asked of it.
#pragma once

#include <optional>
#include <string>

#include "energy/meter.h"
#include "guard/idle_watch.h"
#include "probe/machine.h"
#include "probe/process_tree.h"

namespace halcyon::guard {

/// Looks at a tree of processes, the GPUs and the power sensors, when it is asked to.
class Evidence {
 public:
  explicit Evidence(const energy::SensorOptions& sensors);

  void watch(pid_t pid);  ///< the server, from here on

  /// Begins a new window, since something else went on.
  void forget_last() { last_.reset(); }

  /// What it used since the last look; empty at the first of a window, or if it can't be seen.
  struct Look {
    Activity activity;
    std::optional<double> watts;  ///< of the machine, measured
    uint64_t rss_bytes = 0;
  };
  std::optional<Look> look();

  /// What burns although it is frozen, between these two calls.
  void froze();
  struct Frozen {
    std::optional<std::string> burn;  ///< what, as a sentence
    std::optional<double> watts;
  };
  Frozen look_at_frozen();

 private:
  struct Instant {
    probe::TreeState tree;
    energy::Reading energy;
    std::vector<probe::GpuState> gpus;
  };
  struct AtFreezing {
    Instant instant;
    std::vector<probe::KernelWorker> workers;
    std::optional<uint64_t> others_gpu_ns;
  };
  std::optional<Instant> now();
  std::optional<uint64_t> others_gpu_ns(const probe::TreeState& tree) const;
  std::optional<double> watts(const Instant& from, const Instant& to) const;

  SystemRoot root_;
  std::optional<probe::ProcessTree> tree_;
  energy::Meter meter_;
  std::optional<Instant> last_;
  std::optional<AtFreezing> frozen_;
};

}  // namespace halcyon::guard
