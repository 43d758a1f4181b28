// The phases in which nothing is asked of the server.
#include "energy/baseline.h"
#include "measure/figures.h"
#include "measure/session.h"
#include "probe/burn.h"

namespace halcyon::measure {
namespace {

using namespace std::chrono_literals;

/// The threads that are worth a look, of the process that uses most.
struct Busy {
  pid_t pid = 0;
  std::vector<pid_t> tids;
};

Busy busy_threads(const probe::Usage& usage) {
  constexpr double kBusy = 2;  ///< % of a core
  Busy busy;
  for (const probe::Usage::Thread& thread : usage.threads) {
    if (busy.pid == 0) busy.pid = thread.pid;  // they come busiest first
    if (thread.pid == busy.pid && thread.cpu_percent > kBusy) busy.tids.push_back(thread.tid);
  }
  return busy;
}

}  // namespace

void Session::idle_before() {
  if (!recorder_) return;
  report::IdleWindow window = idle_window(*recorder_, watch_idle(15s));
  document_.energy.source = recorder_->energy_source();
  document_.energy.measured = recorder_->energy_measured();
  // Of a server that ran already the machine's idle power is known only if it was measured once, or if all is
  // an estimate that counts nothing but the server's work.
  if (!options_.command.empty()) {
    document_.energy.idle_watts = window.watts;
  } else if (!recorder_->estimates_machine()) {
    energy::Hints ignored;
    document_.energy.idle_watts =
        recorder_->meter().measured_source().empty() ? 0 : energy::load_baseline(recorder_->meter(), ignored);
  }
  document_.idle.before = std::move(window);
}

void Session::idle_after(std::optional<report::IdleWindow>& window, std::chrono::seconds time) {
  if (!recorder_) return;
  const std::vector<probe::KernelWorker> workers = probe::kernel_workers(options_.recorder.root);
  const std::vector<Sample> samples = watch_idle(time);
  if (samples.size() < 3) return;  // stopped at once
  window = idle_window(*recorder_, samples);
  if (window->watts && document_.energy.idle_watts)
    document_.energy.server_idle_watts = *window->watts - *document_.energy.idle_watts;
  const bool known = document_.burn.cause != "" && document_.burn.cause != "none";
  if (!known && !stop_.stop_requested())
    look_for_burn(samples, probe::worker_usage(workers, probe::kernel_workers(options_.recorder.root),
                                               window->seconds));
}

void Session::look_for_burn(const std::vector<Sample>& samples, std::vector<probe::WorkerUsage> workers) {
  const Sample& first = samples.front();
  const Sample& last = samples.back();
  if (!first.tree || !last.tree) return;
  probe::IdleEvidence seen = {.usage = probe::usage_between(*first.tree, *last.tree),
                              .gpus = {},
                              .workers = std::move(workers),
                              .hot_ranges = std::nullopt};
  for (const Sample& sample : samples) seen.gpus.push_back(sample.gpus);
  probe::Burn burn = probe::diagnose(seen);
  report::Measurement::Burn& report = document_.burn;
  if (const Busy busy = busy_threads(seen.usage);
      burn.cause != probe::BurnCause::none && !busy.tids.empty()) {
    observer_.tick("it burns: looking where");
    Result<probe::HotRanges> ranges =
        probe::sample_hot_ranges(busy.pid, busy.tids, scaled(5s), probe::SampleMethod::best, stop_);
    if (ranges) {
      if (!ranges->note.empty()) problem("hot ranges: " + ranges->note);
      report.method = ranges->method;
      constexpr double kLeastShare = 0.01;
      for (const probe::HotRange& range : ranges->ranges)
        if (range.share >= kLeastShare)
          report.hot_ranges.push_back({range.object, range.offset, range.size, range.share, range.symbol});
      seen.hot_ranges = std::move(*ranges);
      burn = probe::diagnose(seen);
    } else {
      problem("hot ranges: " + ranges.error().message);
    }
  }
  report.cause = probe::name_of(burn.cause);
  report.evidence = std::move(burn.evidence);
  report.advice = std::move(burn.advice);
}

}  // namespace halcyon::measure
