// Looks at the server's processes, the GPUs and the energy while something goes on, in a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/system_root.h"
#include "energy/meter.h"
#include "probe/machine.h"
#include "probe/process_tree.h"

namespace halcyon::measure {

using Clock = std::chrono::steady_clock;

/// What was seen at an instant.
struct Sample {
  Clock::time_point at;
  energy::Reading energy;
  std::optional<probe::TreeState> tree;  ///< empty: there is no process, or it can't be seen
  bool unseen = false;                   ///< there is one, but it can't be seen, or it has ended
  std::vector<probe::GpuState> gpus;
};

struct RecorderOptions {
  SystemRoot root;
  std::optional<double> watts_per_core{};  ///< of an active core, for the estimate
  std::optional<double> gpu_watts{};       ///< of a busy GPU, for the estimate
  bool whole_machine = false;  ///< estimate from the CPU time of all cores: the processes can't be seen
};

/// Between recordings it does nothing at all. One thread at a time.
class Recorder {
 public:
  explicit Recorder(const RecorderOptions& options);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// From here on samples have the state of this tree; or of none, since the server's can't be seen.
  void watch(std::optional<probe::ProcessTree> tree);

  /// Takes a sample now and every `interval` from here on, until stop() takes the last.
  void start(std::chrono::milliseconds interval);
  std::vector<Sample> stop();

  Sample sample();  ///< one, now, also between start() and stop()

  /// The process whose tree was watched, if it has ended since.
  std::optional<pid_t> lost() const { return lost_; }

  /// Joules of the machine between two samples, in which the server was at work or was not. Empty if they
  /// would be estimated from the CPU time of processes that can't be seen.
  std::optional<double> joules(const Sample& from, const Sample& to, bool at_work) const;

  std::string energy_source() const;  ///< the sensors, or the constants of the estimate
  const energy::Meter& meter() const { return meter_; }
  /// Whether the estimate is part of the figures, and counts what other programs do as well.
  bool estimates_machine() const { return options_.whole_machine && bills_cpu_time(); }
  bool energy_measured() const { return meter_.measured() && !adds_gpu(); }
  uint64_t peak_rss() const { return peak_rss_; }  ///< bytes, of all samples

 private:
  bool adds_gpu() const;
  bool bills_cpu_time() const;

  const RecorderOptions options_;
  std::mutex mutex_;  ///< of what follows
  std::optional<probe::ProcessTree> tree_;
  std::optional<probe::TreeState> last_;
  bool unseen_ = false;
  std::optional<pid_t> lost_;
  double cpu_seconds_ = 0;  ///< of the tree
  uint64_t peak_rss_ = 0;
  energy::Meter meter_;
  std::chrono::milliseconds interval_{};
  std::vector<Sample> samples_;
  std::jthread thread_;
};

}  // namespace halcyon::measure
