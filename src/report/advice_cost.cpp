#include "report/advice_cost.h"

#include <algorithm>
#include <cmath>

#include "base/quote.h"

namespace halcyon::report {
namespace {

constexpr double kThawSeconds = 0.1;  // an estimate: a signal, and pages that stayed where they were

/// What a token takes that a burst generates, its share of the prompt included.
struct Work {
  double seconds = 0, joules = 0;
};

/// The rate at the measured size that is nearest to the prompt's, as a ratio.
const Candidate::Prefill& nearest(const std::vector<Candidate::Prefill>& prefill, double tokens) {
  const auto distance = [&](const Candidate::Prefill& p) { return std::abs(std::log(p.tokens / tokens)); };
  return *std::ranges::min_element(prefill, {}, distance);
}

Result<Work> work_of(const Candidate& c, const Workload& workload) {
  Work work{.seconds = 1 / c.decode_tps.value, .joules = c.active_watts.value / c.decode_tps.value};
  if (workload.prompt_tokens > 0) {
    if (c.prefill.empty())
      return fail(
          "candidate {} has no prefill rate, and the workload has prompts: measure it, or leave the prompts "
          "out",
          quote(c.name));
    const double seconds = 1 / nearest(c.prefill, workload.prompt_tokens).tps.value;
    const double joules =
        c.prefill_j_per_token ? c.prefill_j_per_token->value : c.active_watts.value * seconds;
    const double prompt_tokens_per_token = workload.prompt_tokens / workload.burst_tokens;
    work.seconds += prompt_tokens_per_token * seconds;
    work.joules += prompt_tokens_per_token * joules;
  }
  return work;
}

double frozen_watts(const Candidate& c) {
  if (c.frozen_watts) return c.frozen_watts->value;
  return burns_until_it_ends(c) ? c.idle_watts.value : 0;
}

}  // namespace

std::string_view name_of(Strategy strategy) {
  switch (strategy) {
    case Strategy::resident:
      return "resident";
    case Strategy::frozen:
      return "frozen";
    case Strategy::per_burst:
      return "per_burst";
  }
  return "";
}

Result<std::vector<Option>> options(std::span<const Candidate> candidates, const Workload& workload) {
  std::vector<Option> all;
  const double hours = workload.hours_per_day;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& c = candidates[i];
    TRY(const Work work, work_of(c, workload));
    const double load_seconds = c.load_seconds ? c.load_seconds->value : 0;
    const double load_joules = load_seconds * c.load_watts.value_or(c.active_watts).value;
    const auto add = [&](Strategy strategy, double fixed_joules, double joules, double seconds,
                         double latency) {
      all.push_back({.candidate = i,
                     .strategy = strategy,
                     .fixed_joules = fixed_joules,
                     .joules_per_token = joules,
                     .seconds_per_token = seconds,
                     .hours_per_day = hours,
                     .added_latency = latency,
                     .in_time = !workload.latency_seconds || latency <= *workload.latency_seconds});
    };
    const auto add_kept = [&](Strategy strategy, double watts, double latency) {
      const double start = hours < 24 ? load_joules : 0;  // once a day
      add(strategy, hours * 3600 * watts + start, work.joules - work.seconds * watts, work.seconds, latency);
    };
    add_kept(Strategy::resident, c.idle_watts.value, 0);
    add_kept(Strategy::frozen, frozen_watts(c), c.thaw_seconds ? c.thaw_seconds->value : kThawSeconds);
    if (c.load_seconds)
      add(Strategy::per_burst, 0, work.joules + load_joules / workload.burst_tokens,
          work.seconds + load_seconds / workload.burst_tokens, load_seconds);
  }
  return all;
}

std::optional<double> break_even(const Option& a, const Option& b) {
  const double tokens = (b.fixed_joules - a.fixed_joules) / (a.joules_per_token - b.joules_per_token);
  // Two ways to run one candidate meet at its capacity, but don't cross.
  const double most = std::min(a.capacity(), b.capacity()) * (1 - 1e-9);
  if (!(tokens > 0) || !(tokens < most)) return std::nullopt;  // nor is NaN or infinity a load
  return tokens;
}

std::vector<Range> cheapest_by_load(std::span<const Option> options) {
  std::vector<double> bounds{0};
  for (const Option& a : options) {
    bounds.push_back(a.capacity());
    for (const Option& b : options)
      if (const auto tokens = break_even(a, b)) bounds.push_back(*tokens);
  }
  std::ranges::sort(bounds);
  std::vector<Range> ranges;
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    const double from = bounds[i], to = bounds[i + 1], middle = (from + to) / 2;
    if (to - from <= 1e-9 * to) continue;
    const Option* best = nullptr;
    for (const Option& option : options)
      if (option.capacity() >= middle && (!best || option.joules(middle) < best->joules(middle)))
        best = &option;
    if (!best) continue;
    const bool same = !ranges.empty() && ranges.back().option.candidate == best->candidate &&
                      ranges.back().option.strategy == best->strategy;
    if (same) {
      ranges.back().to = to;
    } else {
      ranges.push_back({from, to, *best});
    }
  }
  return ranges;
}

}  // namespace halcyon::report
