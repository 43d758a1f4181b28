// The three burns, as public reports describe them:
//
// A. cpu_spin: ROCr's event loop polls without sleeping if a signal has no interrupt event (rocm-systems PR
// 7898:
//    182 % CPU, 1.07 % with a back-off). Always under WSL2 (librocdxg 60; llama.cpp 27687, with no model
//    loaded even), elsewhere by version: 1.18 is clean, 1.21 pins a core after any GPU work (TheRock 7051).
// B. gpu_pinned: two or more idle HIP processes hold the GPU at 100 % busy, 2900 MHz and about 30 W instead
// of 6 to
//    8 W (ollama 17958, TheRock 7578).
// C. kernel_worker: svm_range_restore_work keeps a kworker busy once shared pages of an idle process were
// swapped out,
//    with 0 % in the process itself (TheRock 7956).
#include "probe/burn.h"

#include <algorithm>
#include <map>
#include <ranges>

#include "base/quote.h"

namespace halcyon::probe {
namespace {

/// CPU of a process tree, in percent of a core, above which it polls. A quiet server stays below 1, ROCr with
/// its back-off at 1.07; a loop that doesn't sleep takes 100 for each thread, unless it has to share its
/// core.
constexpr double kSpinPercent = 10;

/// Below it, and below this many wake-ups, a server is quiet: timers of a run-time library, a keep-alive.
constexpr double kQuietPercent = 1;
constexpr double kQuietWakeups = 10;  ///< per second: 100 ms of sleep at a time

/// A GPU that is this busy in half of the looks is pinned. A desktop that is looked at needs a few percent.
constexpr double kPinnedBusyPercent = 50;

/// Workers of one queue that take half a core all the time. Writing to disks and such comes in bursts.
constexpr double kBusyWorkerPercent = 50;

/// Only to rank several causes: the design's 4 W per active core, and what a pinned GPU draws above an idle
/// one (B).
constexpr double kWattsPerCore = 4, kWattsOfPinnedGpu = 23;

/// Threads, queues and ranges that are named.
constexpr size_t kNamed = 3;

struct Finding {
  BurnCause cause;
  double watts;  ///< an estimate, for the order
  std::vector<std::string> evidence{}, advice{};
};

std::string threads_of(const Usage& usage, double Usage::Thread::*figure, std::string_view unit) {
  std::vector<std::string> named;
  for (const Usage::Thread& thread : usage.threads)
    if (thread.*figure >= 0.5)
      named.push_back(fmt::format("{} {:.1f}{}", quote(thread.name), thread.*figure, unit));
  const size_t n = named.size();
  named.resize(std::min(n, kNamed));
  return fmt::format("{}{}", fmt::join(named, ", "),
                     n > kNamed ? fmt::format(" and {} more", n - kNamed) : "");
}

/// "72 % of 1234 samples (ptrace) lie in 600 bytes of "libx.so" (offset 0x9ab00–0x9ad60), "Loop::run()"."
void add_hot_ranges(const IdleEvidence& seen, std::vector<std::string>& evidence) {
  if (!seen.hot_ranges) return;
  for (const HotRange& range : seen.hot_ranges->ranges | std::views::take(kNamed)) {
    if (range.share < 0.1) break;
    const std::string samples = fmt::format("{:.0f} % of {} samples ({}) lie in", range.share * 100,
                                            seen.hot_ranges->samples, seen.hot_ranges->method);
    if (range.object == "[kernel]")
      evidence.push_back(samples + " the kernel.");
    else
      evidence.push_back(fmt::format("{} {} bytes of {} (offset {:#x}–{:#x}){}.", samples, range.size,
                                     quote(range.object), range.offset, range.offset + range.size,
                                     range.symbol.empty() ? "" : ", " + quote(range.symbol)));
  }
}

/// The runtime of ROCm is where it spins, or nobody has looked.
bool may_be_rocr(const IdleEvidence& seen) {
  return !seen.hot_ranges || seen.hot_ranges->ranges.empty() ||
         std::ranges::any_of(seen.hot_ranges->ranges, [](const HotRange& range) {
           return range.share >= 0.1 && range.object.find("libhsa-runtime64") != std::string::npos;
         });
}

std::optional<Finding> cpu_spin(const IdleEvidence& seen) {
  const Usage& usage = seen.usage;
  if (usage.cpu_percent < kSpinPercent) return std::nullopt;
  Finding found{.cause = BurnCause::cpu_spin, .watts = usage.cpu_percent / 100 * kWattsPerCore};
  found.evidence.push_back(
      fmt::format("The server used {:.1f} % CPU over {:.0f} s in which nothing was asked of it (100 % is one "
                  "core), and woke {:.1f} times a "
                  "second.",
                  usage.cpu_percent, usage.seconds, usage.wakeups_per_second));
  if (const std::string threads = threads_of(usage, &Usage::Thread::cpu_percent, " %"); !threads.empty())
    found.evidence.push_back("Busiest threads: " + threads + ".");
  if (usage.ended_cpu_percent >= kQuietPercent)
    found.evidence.push_back(fmt::format(
        "{:.1f} % of that went to threads and processes that came and ended.", usage.ended_cpu_percent));
  add_hot_ranges(seen, found.evidence);

  found.advice.push_back(
      "Freeze the server while it is idle: that ends the polling at once and keeps the weights in memory "
      "(ComfyUI 15347: a "
      "debugger's stop did, its detach brought the polling back).");
  if (may_be_rocr(seen)) {
    found.advice.push_back(
        "If this is ROCm: the Vulkan backend does not poll. Of ROCr, version 1.18 (ROCm 7.2) is clean on "
        "native Linux and 1.21 is "
        "not (TheRock 7051); rocm-systems PR 7898 makes the loop sleep, under WSL2 too.");
    found.advice.push_back(
        "hipSetDeviceFlags(hipDeviceScheduleBlockingSync) before the context exists helps with one visible "
        "GPU.");
    found.advice.push_back(
        "What does not help: HSA_ENABLE_INTERRUPT=1 under WSL2 (librocdxg 60), unpinned memory, offloading "
        "fewer layers, "
        "disconnecting the clients, unloading the model (llama.cpp 27687: it polls with none loaded).");
  }
  return found;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

std::optional<Finding> gpu_pinned(const IdleEvidence& seen) {
  struct Looks {
    std::vector<double> busy, clock, watts;
  };
  std::map<std::string, Looks> cards;
  for (const std::vector<GpuState>& instant : seen.gpus)
    for (const GpuState& gpu : instant) {
      Looks& looks = cards[gpu.card];
      if (gpu.busy_percent || gpu.suspended) looks.busy.push_back(gpu.busy_percent.value_or(0));
      if (gpu.clock_mhz) looks.clock.push_back(*gpu.clock_mhz);
      if (gpu.watts) looks.watts.push_back(*gpu.watts);
    }
  Finding found{.cause = BurnCause::gpu_pinned, .watts = 0};
  for (const auto& [card, looks] : cards) {
    if (looks.busy.empty() || median(looks.busy) < kPinnedBusyPercent) continue;
    found.watts += kWattsOfPinnedGpu;
    found.evidence.push_back(
        fmt::format("{} was {:.0f} % busy (median of {} looks){}{} while nothing was asked of the server.",
                    card, median(looks.busy), looks.busy.size(),
                    looks.clock.empty() ? "" : fmt::format(", at {:.0f} MHz", median(looks.clock)),
                    looks.watts.empty() ? "" : fmt::format(", {:.1f} W", median(looks.watts))));
  }
  if (found.evidence.empty()) return std::nullopt;
  found.advice = {
      "End the server's process while it is idle, and see whether gpu_busy_percent falls: if it does not, "
      "another process holds the "
      "GPU.",
      "Run one HIP process per GPU: two idle ones keep it at full clock (ollama 17958, TheRock 7578). Vulkan "
      "(RADV) is not affected.",
      "GPU_MAX_HW_QUEUES=1 may cure it; measure again.",
      "What does not help: unloading the model, since the context stays (llama.cpp 19318: 100 W until the "
      "process ended), or "
      "freezing the process."};
  return found;
}

/// "events_freezable" of "kworker/13:0-events_freezable"; empty for a kworker that says no more.
std::string queue_of(std::string_view worker) {
  const size_t sign = worker.find_first_of("+-");
  return std::string(sign == std::string_view::npos ? "" : worker.substr(sign + 1));
}

std::optional<Finding> kernel_worker(const IdleEvidence& seen) {
  std::map<std::string, double> queues;  // the work of one goes from worker to worker
  for (const WorkerUsage& worker : seen.workers)
    if (worker.name.starts_with("kworker/")) queues[queue_of(worker.name)] += worker.cpu_percent;
  Finding found{.cause = BurnCause::kernel_worker, .watts = 0};
  for (const auto& [queue, cpu_percent] : queues) {
    if (cpu_percent < kBusyWorkerPercent) continue;
    const auto busiest = std::ranges::find_if(seen.workers, [&](const WorkerUsage& w) {
      return w.name.starts_with("kworker/") && queue_of(w.name) == queue;
    });
    found.watts += cpu_percent / 100 * kWattsPerCore;
    found.evidence.push_back(fmt::format(
        "The kernel's workers{} used {:.1f} % CPU while nothing was asked of the server, process {} ({}) "
        "most of it.",
        queue.empty() ? "" : " of queue " + quote(queue), cpu_percent, busiest->pid, quote(busiest->name)));
  }
  if (found.evidence.empty()) return std::nullopt;
  found.advice = {
      "`sudo cat /proc/PID/stack` of that worker, a few times over, says what it does: "
      "svm_range_restore_work is amdgpu's, for "
      "memory of an idle ROCm process that was swapped out (TheRock 7956).",
      "End the server's process while it is idle. Keep its memory from being swapped out: leave more of it "
      "free, or do without swap.",
      "What does not help: freezing the process, since the work is the kernel's."};
  return found;
}

/// What there is to say of a server that does not burn.
std::string quietness(const Usage& usage) {
  const std::string figures = fmt::format(
      "The server used {:.2f} % CPU over {:.0f} s in which nothing was asked of it, and woke {:.1f} times a "
      "second",
      usage.cpu_percent, usage.seconds, usage.wakeups_per_second);
  if (usage.wakeups_per_second >= kQuietWakeups)
    return fmt::format("{} ({}): no burn, but with a timer that fast its cores never rest for long.", figures,
                       threads_of(usage, &Usage::Thread::wakeups_per_second, "/s"));
  if (usage.cpu_percent >= kQuietPercent) return figures + ": no burn, but not quiet either.";
  return figures + ": it is quiet.";
}

}  // namespace

std::string_view name_of(BurnCause cause) {
  switch (cause) {
    case BurnCause::cpu_spin:
      return "cpu_spin";
    case BurnCause::gpu_pinned:
      return "gpu_pinned";
    case BurnCause::kernel_worker:
      return "kernel_worker";
    case BurnCause::none:
      break;
  }
  return "none";
}

Burn diagnose(const IdleEvidence& seen) {
  std::vector<Finding> findings;
  for (auto* look : {cpu_spin, gpu_pinned, kernel_worker})
    if (auto found = look(seen)) findings.push_back(*std::move(found));
  std::ranges::stable_sort(findings, std::greater{}, &Finding::watts);

  Burn burn;
  if (!findings.empty()) burn.cause = findings.front().cause;
  for (Finding& finding : findings) {
    std::ranges::move(finding.evidence, std::back_inserter(burn.evidence));
    std::ranges::move(finding.advice, std::back_inserter(burn.advice));
  }
  if (std::ranges::find(findings, BurnCause::cpu_spin, &Finding::cause) == findings.end())
    burn.evidence.push_back(quietness(seen.usage));
  return burn;
}

}  // namespace halcyon::probe
