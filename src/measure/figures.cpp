#include "measure/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace halcyon::measure {
namespace {

constexpr double kDisagreement = 0.05;                  ///< of two rates, as a share of the larger
constexpr std::chrono::microseconds kFastestPiece{50};  ///< what comes faster was not generated that fast
constexpr double kThreadShown = 0.05;                   ///< % of a core

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::optional<double> rate(double tokens, Clock::time_point from, Clock::time_point to) {
  const double seconds = seconds_between(from, to);
  return tokens > 0 && seconds > 0 ? std::optional(tokens / seconds) : std::nullopt;
}

/// Of the busiest GPU at an instant.
std::optional<double> most(const Sample& sample, std::optional<double> probe::GpuState::*figure) {
  std::optional<double> most;
  for (const probe::GpuState& gpu : sample.gpus)
    if (gpu.*figure && (!most || *(gpu.*figure) > *most)) most = gpu.*figure;
  return most;
}

std::optional<double> mean_of(std::span<const Sample> samples,
                              std::optional<double> probe::GpuState::*figure) {
  std::vector<double> values;
  for (const Sample& sample : samples)
    if (const auto value = most(sample, figure)) values.push_back(*value);
  return mean(values);
}

std::optional<double> watts(const Recorder& recorder, const Sample& from, const Sample& to) {
  const double seconds = seconds_between(from.at, to.at);
  const auto joules = recorder.joules(from, to, false);
  return joules && seconds > 0 ? std::optional(*joules / seconds) : std::nullopt;
}

/// For how long sensors that average still show what was before; 0 for counters.
double settling_seconds(const Recorder& recorder) {
  const auto settling = recorder.meter().settling_time();
  return settling > std::chrono::seconds(1) ? std::chrono::duration<double>(settling).count() : 0;
}

/// Power over the window without its beginning, if that is long enough.
std::optional<double> settled_watts(const Recorder& recorder, std::span<const Sample> samples) {
  const double settling = settling_seconds(recorder);
  const Sample& last = samples.back();
  const auto settled = std::ranges::find_if(samples, [&](const Sample& sample) {
    return seconds_between(samples.front().at, sample.at) >= settling;
  });
  const bool enough = settled != samples.end() && seconds_between(settled->at, last.at) >= settling;
  return watts(recorder, enough ? *settled : samples.front(), last);
}

}  // namespace

std::optional<double> median(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> stddev(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double middle = *mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

int generated(const Generation& generation) {
  return generation.generated_tokens.value_or(generation.pieces);
}

std::optional<double> prefill_tps(const Generation& g) {
  if (!g.prompt_tokens || g.pieces == 0) return std::nullopt;
  return rate(*g.prompt_tokens, g.sent, g.first);
}

std::optional<double> decode_tps(const Generation& g) {
  const bool in_one_burst = g.pieces < 2 || g.last - g.first < (g.pieces - 1) * kFastestPiece;
  return in_one_burst ? std::nullopt : rate(generated(g) - 1, g.first, g.last);
}

std::string contradiction(const Generation& g, int asked_for) {
  if (!g.generated_tokens) return "the server gives no usage: the pieces of its stream are counted as tokens";
  // A piece can be several tokens, but not a part of one, and the last may bring what was held back.
  if (*g.generated_tokens + 1 < g.pieces)
    return fmt::format("the server counts {} generated tokens, but sent {} pieces of text",
                       *g.generated_tokens, g.pieces);
  if (*g.generated_tokens > asked_for)
    return fmt::format("the server counts {} generated tokens, though at most {} were asked for",
                       *g.generated_tokens, asked_for);
  return "";
}

std::string disagreement(std::optional<double> server, std::optional<double> here) {
  if (!server || !here || *server <= 0 || *here <= 0) return "";
  const double apart = std::abs(*server - *here) / std::max(*server, *here);
  if (apart <= kDisagreement) return "";
  return fmt::format("the server says {:.4g} t/s, this clock {:.4g}: {:.0f} % apart", *server, *here,
                     apart * 100);
}

report::IdleWindow idle_window(const Recorder& recorder, std::span<const Sample> samples) {
  const Sample& first = samples.front();
  const Sample& last = samples.back();
  report::IdleWindow window;
  window.seconds = seconds_between(first.at, last.at);
  window.watts = settled_watts(recorder, samples);
  window.gpu_busy_percent = mean_of(samples, &probe::GpuState::busy_percent);
  window.gpu_clock_mhz = mean_of(samples, &probe::GpuState::clock_mhz);
  for (size_t i = 1; i < samples.size(); ++i) {
    const Sample& from = samples[i - 1];
    const Sample& to = samples[i];
    report::IdleWindow::Second second = {.at = seconds_between(first.at, to.at),
                                         .cpu_percent = std::nullopt,
                                         .wakeups_per_second = std::nullopt,
                                         .watts = watts(recorder, from, to),
                                         .gpu_busy_percent = most(to, &probe::GpuState::busy_percent),
                                         .rss_bytes = std::nullopt,
                                         .gpu_clock_mhz = most(to, &probe::GpuState::clock_mhz)};
    if (from.tree && to.tree) {
      const probe::Usage usage = probe::usage_between(*from.tree, *to.tree);
      second.cpu_percent = usage.cpu_percent;
      second.wakeups_per_second = usage.wakeups_per_second;
      second.rss_bytes = usage.rss_bytes;
    }
    window.series.push_back(second);
  }
  if (!first.tree || !last.tree) return window;
  const probe::Usage usage = probe::usage_between(*first.tree, *last.tree);
  window.cpu_percent = usage.cpu_percent;
  window.wakeups_per_second = usage.wakeups_per_second;
  window.rss_bytes = usage.rss_bytes;
  for (const probe::Usage::Thread& thread : usage.threads)
    if (thread.cpu_percent > kThreadShown)
      window.threads.push_back(
          {thread.pid, thread.tid, thread.name, thread.cpu_percent, thread.wakeups_per_second});
  return window;
}

}  // namespace halcyon::measure
