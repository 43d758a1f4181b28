// What each way to run each candidate costs, as a line over the tokens generated in a day.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/advice_candidate.h"
#include "report/advice_workload.h"

namespace halcyon::report {

inline constexpr double kDaysPerYear = 365;

/// How a process is kept between two bursts of work: resident; resident but frozen while idle; started for
/// each burst and ended after it.
enum class Strategy { resident, frozen, per_burst };
std::string_view name_of(Strategy strategy);  ///< "resident", "frozen", "per_burst"

/// One candidate, kept in one way, under a workload. In a day of N tokens it takes fixed_joules +
/// joules_per_token · N.
struct Option {
  size_t candidate = 0;  ///< its index
  Strategy strategy = Strategy::resident;
  double fixed_joules = 0;       ///< for being there
  double joules_per_token = 0;   ///< generated; what the idle time it takes away would have cost is deducted
  double seconds_per_token = 0;  ///< generated, with its share of prefill and load
  double hours_per_day = 24;
  double added_latency = 0;  ///< seconds before a burst: thaw or load
  bool in_time = true;       ///< `added_latency` is within what the workload asks for

  double joules(double tokens_per_day) const { return fixed_joules + joules_per_token * tokens_per_day; }
  double wh(double tokens_per_day) const { return joules(tokens_per_day) / 3600; }

  /// Of the hours in which it is wanted, the share in which it works. Above 1: impossible.
  double busy_share(double tokens_per_day) const {
    return tokens_per_day * seconds_per_token / (hours_per_day * 3600);
  }
  double capacity() const { return hours_per_day * 3600 / seconds_per_token; }  ///< tokens per day
};

/// All ways to run all candidates; one without a load time can't be started per burst. Fails if the workload
/// has prompts and a candidate no rate for them.
Result<std::vector<Option>> options(std::span<const Candidate> candidates, const Workload& workload);

/// The tokens per day at which two options cost the same: empty if their ranking is the same at every load
/// that both can carry.
std::optional<double> break_even(const Option& a, const Option& b);

/// Loads at which one option is the cheapest of those that can carry them.
struct Range {
  double from = 0, to = 0;  ///< tokens per day
  Option option;
};

/// The cheapest option over the load, from 0 to the largest that any of them can carry.
std::vector<Range> cheapest_by_load(std::span<const Option> options);

}  // namespace halcyon::report
