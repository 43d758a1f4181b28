#include "guard/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "probe/burn.h"

namespace halcyon::guard {
namespace {

constexpr double kStillRuns = 1;        // percent of a core, of what should be frozen
constexpr double kLeastSeconds = 0.05;  // shorter windows say nothing

}  // namespace

Evidence::Evidence(const energy::SensorOptions& sensors)
    : root_(sensors.root), meter_(energy::Meter::open(sensors)) {}

void Evidence::watch(pid_t pid) {
  tree_.reset();
  last_.reset();
  frozen_.reset();
  if (auto tree = probe::ProcessTree::open(pid, root_)) tree_ = std::move(*tree);
}

std::optional<Evidence::Instant> Evidence::now() {
  if (!tree_) return std::nullopt;
  Result<probe::TreeState> state = tree_->state();
  if (!state) return std::nullopt;
  return Instant{std::move(*state), meter_.read(), probe::gpu_states(root_)};
}

std::optional<double> Evidence::watts(const Instant& from, const Instant& to) const {
  const double seconds = std::chrono::duration<double>(to.energy.at - from.energy.at).count();
  if (!meter_.measured() || seconds < kLeastSeconds) return std::nullopt;
  return meter_.billed_joules(from.energy, to.energy) / seconds;
}

std::optional<Evidence::Look> Evidence::look() {
  std::optional<Instant> instant = now();
  if (!instant) return std::nullopt;
  std::optional<Look> look;
  if (last_) {
    const probe::Usage usage = probe::usage_between(last_->tree, instant->tree);
    if (usage.seconds < kLeastSeconds) return std::nullopt;
    look.emplace(Look{{.cpu_percent = usage.cpu_percent, .gpu_percent = {}}, {}, usage.rss_bytes});
    for (const probe::GpuState& gpu : instant->gpus)
      if (gpu.busy_percent)
        look->activity.gpu_percent = std::max(look->activity.gpu_percent.value_or(0), *gpu.busy_percent);
    look->watts = watts(*last_, *instant);
  }
  last_ = std::move(instant);
  return look;
}

std::optional<uint64_t> Evidence::others_gpu_ns(const probe::TreeState& tree) const {
  std::vector<pid_t> others;
  for (const std::string& name : root_.names("/proc")) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    const bool is_number = error == std::errc() && end == name.data() + name.size();
    if (is_number &&
        std::ranges::find(tree.processes, pid, &probe::ProcessState::pid) == tree.processes.end())
      others.push_back(pid);
  }
  return probe::gpu_ns(others, root_);
}

void Evidence::froze() {
  frozen_.reset();
  last_.reset();
  if (std::optional<Instant> instant = now()) {
    // Who uses the GPU matters only where there is one.
    const auto others = instant->gpus.empty() ? std::nullopt : others_gpu_ns(instant->tree);
    frozen_.emplace(AtFreezing{std::move(*instant), probe::kernel_workers(root_), others});
  }
}

Evidence::Frozen Evidence::look_at_frozen() {
  Frozen frozen;
  const std::optional<Instant> instant = now();
  if (!instant || !frozen_) return frozen;
  const Instant& before = frozen_->instant;
  frozen.watts = watts(before, *instant);
  probe::IdleEvidence seen = {.usage = probe::usage_between(before.tree, instant->tree),
                              .gpus = {instant->gpus},
                              .workers = probe::worker_usage(
                                  frozen_->workers, probe::kernel_workers(root_),
                                  std::chrono::duration<double>(instant->tree.at - before.tree.at).count()),
                              .hot_ranges = std::nullopt};
  if (frozen_->others_gpu_ns) {
    // A GPU at work for somebody else is not pinned by this server.
    const uint64_t used = others_gpu_ns(instant->tree).value_or(0);
    const uint64_t more = used - std::min(used, *frozen_->others_gpu_ns);
    if (static_cast<double>(more) > 0.5e9 * seen.usage.seconds) seen.gpus.clear();
  }
  if (seen.usage.cpu_percent >= kStillRuns) {
    frozen.burn = fmt::format("its processes still use {:.1f} % of a core", seen.usage.cpu_percent);
    return frozen;
  }
  const probe::Burn burn = probe::diagnose(seen);
  if (burn.cause != probe::BurnCause::none)
    frozen.burn =
        fmt::format("{}: {}", probe::name_of(burn.cause), burn.evidence.empty() ? "" : burn.evidence.front());
  return frozen;
}

}  // namespace halcyon::guard
