#include "measure/recorder.h"

#include <algorithm>
#include <condition_variable>

#include "base/signals.h"

namespace halcyon::measure {
namespace {

energy::SensorOptions sensor_options(const RecorderOptions& options, const double& cpu_seconds) {
  energy::SensorOptions sensors;
  sensors.root = options.root;
  if (options.watts_per_core) sensors.watts_per_core = *options.watts_per_core;
  if (options.gpu_watts) sensors.gpu_watts = *options.gpu_watts;
  sensors.cpu = options.whole_machine
                    ? energy::machine_cpu_clock(options.root)
                    : energy::CpuClock{"the server", [&cpu_seconds] { return cpu_seconds; }};
  return sensors;
}

}  // namespace

Recorder::Recorder(const RecorderOptions& options)
    : options_(options), meter_(energy::Meter::open(sensor_options(options_, cpu_seconds_))) {}

Recorder::~Recorder() = default;

void Recorder::watch(std::optional<probe::ProcessTree> tree) {
  const std::lock_guard lock(mutex_);
  tree_ = std::move(tree);
  unseen_ = !tree_;
  lost_.reset();
  last_.reset();
}

Sample Recorder::sample() {
  const std::lock_guard lock(mutex_);
  Sample sample;
  if (tree_) {
    if (Result<probe::TreeState> state = tree_->state()) {
      if (last_) {
        const probe::Usage usage = probe::usage_between(*last_, *state);
        cpu_seconds_ += usage.cpu_percent / 100 * usage.seconds;
      }
      peak_rss_ = std::max(peak_rss_, state->rss_bytes);
      last_ = *state;
      sample.tree = std::move(*state);
    } else {
      lost_ = tree_->pid();
      tree_.reset();
      unseen_ = true;
    }
  }
  sample.unseen = unseen_;
  sample.energy = meter_.read();
  sample.at = sample.energy.at;
  sample.gpus = probe::gpu_states(options_.root);
  samples_.push_back(sample);
  return sample;
}

void Recorder::start(std::chrono::milliseconds interval) {
  interval_ = interval;
  samples_.clear();
  sample();
  const BlockSignals for_the_thread;
  thread_ = std::jthread([this, interval](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    for (Clock::time_point next = Clock::now() + interval;; next += interval) {
      stopped.wait_until(lock, stop, next, [] { return false; });
      if (stop.stop_requested()) return;
      sample();
    }
  });
}

std::vector<Sample> Recorder::stop() {
  thread_ = {};  // asks it to stop, and waits for it
  // The last takes the place of one that is hardly older: no interval is too short to mean anything.
  if (samples_.size() > 1 && Clock::now() - samples_.back().at < interval_ / 2) samples_.pop_back();
  sample();
  return std::exchange(samples_, {});
}

bool Recorder::adds_gpu() const {
  // A GPU that no sensor and no sysfs shows (WSL): all that is known is what the user says.
  using enum energy::Domain;
  return options_.gpu_watts && std::ranges::none_of(meter_.billed(), [&](size_t i) {
           const energy::Domain domain = meter_.sensors()[i].domain;
           return domain == soc || domain == gpu || domain == board || domain == battery;
         });
}

bool Recorder::bills_cpu_time() const {
  return std::ranges::any_of(
      meter_.billed(), [&](size_t i) { return meter_.sensors()[i].domain == energy::Domain::cpu_estimate; });
}

std::optional<double> Recorder::joules(const Sample& from, const Sample& to, bool at_work) const {
  if ((from.unseen || to.unseen) && bills_cpu_time() && !options_.whole_machine) return std::nullopt;
  const double seconds = std::chrono::duration<double>(to.at - from.at).count();
  return meter_.billed_joules(from.energy, to.energy) +
         (adds_gpu() && at_work ? *options_.gpu_watts * seconds : 0);
}

std::string Recorder::energy_source() const {
  if (!adds_gpu()) return meter_.source();
  return fmt::format("{} + estimated: GPU at {} W while it works (--gpu-watts, HALCYON_GPU_WATTS)",
                     meter_.source(), *options_.gpu_watts);
}

}  // namespace halcyon::measure
