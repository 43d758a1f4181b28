#include "report/advice.h"

#include <algorithm>

namespace halcyon::report {
namespace {

bool is_resident(const Option& option) { return option.strategy == Strategy::resident; }
bool is_unfrozen(const Option& option) { return option.strategy != Strategy::frozen; }

std::vector<Option> only(std::span<const Option> options, auto&& wanted) {
  std::vector<Option> found;
  std::ranges::copy_if(options, std::back_inserter(found), wanted);
  return found;
}

std::optional<Choice> choose(std::span<const Option> options, double tokens_per_day) {
  const auto cost = [&](const Option& option) { return option.wh(tokens_per_day); };
  const auto cheapest = [&](auto&& wanted) -> std::optional<Option> {
    const auto possible = only(options, [&](const Option& option) {
      return option.in_time && option.busy_share(tokens_per_day) <= 1 && wanted(option);
    });
    if (possible.empty()) return std::nullopt;
    return *std::ranges::min_element(possible, {}, cost);
  };
  const auto best = cheapest([](const Option&) { return true; });
  if (!best) return std::nullopt;
  Choice choice{.option = *best, .wh_per_day = cost(*best), .as_good = {}};
  size_t n_candidates = 0;
  for (const Option& option : options) n_candidates = std::max(n_candidates, option.candidate + 1);
  for (size_t i = 0; i < n_candidates; ++i) {
    const auto other = cheapest([&](const Option& option) { return option.candidate == i; });
    if (i != best->candidate && other && cost(*other) - choice.wh_per_day <= kIndifferentWhPerDay)
      choice.as_good.push_back(*other);
  }
  return choice;
}

std::vector<BreakEven> all_break_evens(std::span<const Option> options) {
  std::vector<BreakEven> found;
  for (size_t i = 0; i < options.size(); ++i)
    for (size_t j = i + 1; j < options.size(); ++j)
      if (const auto tokens = break_even(options[i], options[j])) {
        const bool first = options[i].fixed_joules < options[j].fixed_joules;
        found.push_back({options[first ? i : j], options[first ? j : i], *tokens});
      }
  std::ranges::sort(found, {}, &BreakEven::tokens_per_day);
  return found;
}

}  // namespace

Result<Recommendation> recommend(std::span<const Candidate> candidates, const Workload& workload) {
  TRY(const auto all, options(candidates, workload));
  return Recommendation{.workload = workload,
                        .unfrozen = choose(only(all, is_unfrozen), workload.tokens_per_day),
                        .any = choose(all, workload.tokens_per_day)};
}

std::optional<BreakEven> main_break_even(std::span<const Option> options, const Workload& workload) {
  std::vector<Option> resident = only(options, is_resident);
  std::ranges::stable_sort(resident, {}, [&](const Option& option) {
    return std::pair(option.busy_share(workload.tokens_per_day) > 1, option.wh(workload.tokens_per_day));
  });
  if (resident.size() < 2) return std::nullopt;
  const auto found = all_break_evens(std::span(resident).first(2));
  return found.empty() ? std::nullopt : std::optional(found.front());
}

Result<Advice> advise(std::vector<Candidate> candidates, const Workload& workload,
                      const std::map<std::string, std::string>& current_versions) {
  if (candidates.empty()) return fail("there is nothing to compare: name measurements or a file of figures");
  Advice advice;
  TRY(advice.options, options(candidates, workload));
  TRY(advice.answer, recommend(candidates, workload));
  for (Workload preset : presets()) {
    TRY(Recommendation recommendation, recommend(candidates, preset));
    advice.by_preset.push_back(std::move(recommendation));
  }
  advice.main = main_break_even(advice.options, workload);
  advice.break_evens = all_break_evens(advice.options);
  advice.resident_by_load = cheapest_by_load(only(advice.options, is_resident));
  advice.any_by_load = cheapest_by_load(only(advice.options, [](const Option& o) { return o.in_time; }));
  advice.sensitivities = sensitivities(candidates, workload);
  for (size_t i = 0; i < candidates.size(); ++i)
    if (auto changes = changes_since(candidates[i], current_versions); !changes.empty())
      advice.stale.push_back({i, std::move(changes)});
  advice.workload = workload;
  advice.candidates = std::move(candidates);
  return advice;
}

}  // namespace halcyon::report
