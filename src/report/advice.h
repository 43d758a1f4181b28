// Which server to run and how, for a workload: not only the winner, but the load at which it stops being one.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "report/advice_candidate.h"
#include "report/advice_cost.h"

namespace halcyon::report {

/// Differences below one watt around the clock decide nothing.
inline constexpr double kIndifferentWhPerDay = 24;

/// The cheapest option that can carry the load and is in time, among those of some strategies.
struct Choice {
  Option option;
  double wh_per_day = 0;
  std::vector<Option> as_good;  ///< the best of each other candidate that costs at most 24 Wh a day more
};

struct Recommendation {
  Workload workload;
  std::optional<Choice> unfrozen;  ///< as servers come: resident, or started per burst; empty: none can
  std::optional<Choice> any;       ///< with freezing, which takes `halcyon guard`
};

Result<Recommendation> recommend(std::span<const Candidate> candidates, const Workload& workload);

struct BreakEven {
  Option below, above;  ///< the cheaper one below it, and above it
  double tokens_per_day = 0;
};

/// Between the resident candidate that is best for the workload and the second; empty if there is none.
std::optional<BreakEven> main_break_even(std::span<const Option> options, const Workload& workload);

/// What would change if a figure were off by its uncertainty.
struct Sensitivity {
  size_t candidate = 0;
  std::string figure;  ///< "decode_tps", "idle_watts", … as in a file of figures
  Figure now;
  bool changes_answer = false;   ///< another choice is the cheapest then, with freezing or without
  double regret_wh_per_day = 0;  ///< what today's answer would then cost above the cheapest
  double change_wh_per_day = 0;  ///< in the cost of what the answer recommends
  std::optional<double> break_even_low = {},
                        break_even_high = {};  ///< where the main one lies then; empty: nowhere
  std::string command;                         ///< that measures the figure
};

/// All figures of all candidates; the one whose measurement is worth most comes first.
std::vector<Sensitivity> sensitivities(const std::vector<Candidate>& candidates, const Workload& workload);

struct Stale {
  size_t candidate = 0;
  std::vector<VersionChange> changes;
};

struct Advice {
  std::vector<Candidate> candidates;
  Workload workload;
  std::vector<Option> options;          ///< by candidate, then by strategy
  std::optional<BreakEven> main;        ///< of the best resident candidate and the second
  std::vector<BreakEven> break_evens;   ///< of every pair that crosses, by load
  std::vector<Range> resident_by_load;  ///< the cheapest resident candidate
  std::vector<Range> any_by_load;       ///< the cheapest of all options that are in time
  Recommendation answer;                ///< for `workload`
  std::vector<Recommendation>
      by_preset;  ///< for the three workloads with a name; none for those that need figures that are missing
  std::vector<Sensitivity> sensitivities;
  std::vector<Stale> stale;
};

/// `current_versions` as of devices::current_versions().
Result<Advice> advise(std::vector<Candidate> candidates, const Workload& workload,
                      const std::map<std::string, std::string>& current_versions);

}  // namespace halcyon::report
