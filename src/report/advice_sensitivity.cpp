// Which figure's measurement is worth most: each is moved by its uncertainty, and the answer asked for again.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "report/advice.h"

namespace halcyon::report {
namespace {

/// With the figures that options() takes for those that are absent, as the estimates that they are.
Candidate with_assumed(Candidate c) {
  if (c.load_seconds && !c.load_watts) c.load_watts = estimated_watts(c.active_watts.value);
  if (!c.frozen_watts && !burns_until_it_ends(c)) c.frozen_watts = estimated_watts(0);
  return c;
}

/// A figure of a candidate that a measurement would give.
struct Knob {
  std::string name;
  Figure* figure;
  std::string_view command;  ///< in front of the candidate's target
};

constexpr std::string_view kMeasure = "halcyon measure --protocol full";

std::vector<Knob> knobs(Candidate& c, const Workload& workload) {
  std::vector<Knob> all{{"decode_tps", &c.decode_tps, kMeasure},
                        {"active_watts", &c.active_watts, kMeasure},
                        {"idle_watts", &c.idle_watts, "halcyon measure --protocol quick"}};
  const auto add = [&](std::string name, std::optional<Figure>& figure) {
    if (figure) all.push_back({std::move(name), &*figure, kMeasure});
  };
  add("load_seconds", c.load_seconds);
  add("load_watts", c.load_watts);
  if (c.frozen_watts)
    all.push_back({"frozen_watts", &*c.frozen_watts, "halcyon power  # while halcyon guard has it frozen:"});
  if (workload.prompt_tokens > 0) {
    for (Candidate::Prefill& p : c.prefill)
      all.push_back({"prefill_tps of " + std::to_string(p.tokens) + " tokens", &p.tps, kMeasure});
    add("prefill_j_per_token", c.prefill_j_per_token);
  }
  return all;
}

/// The same option under other figures.
const Option& same_option(const std::vector<Option>& options, const Option& wanted) {
  return *std::ranges::find_if(options, [&](const Option& option) {
    return option.candidate == wanted.candidate && option.strategy == wanted.strategy;
  });
}

class Trial {
 public:
  Trial(const std::vector<Candidate>& candidates, const Workload& workload)
      : workload_(workload), now_(recommend(candidates, workload)) {}

  /// What becomes of the answer if the candidates' figures are these.
  void run(const std::vector<Candidate>& candidates, Sensitivity& out,
           std::optional<double>& break_even) const {
    const auto then = recommend(candidates, workload_);
    const auto all = options(candidates, workload_);
    if (!now_ || !then || !all) return;
    if (const auto main = main_break_even(*all, workload_)) break_even = main->tokens_per_day;
    compare(now_->unfrozen, then->unfrozen, *all, out);
    compare(now_->any, then->any, *all, out);
  }

 private:
  void compare(const std::optional<Choice>& now, const std::optional<Choice>& then,
               const std::vector<Option>& all, Sensitivity& out) const {
    if (!now && !then) return;
    // What nobody can do has no cost to compare.
    if (!now || !then) {
      out.changes_answer = true;
      return;
    }
    const Option& kept = same_option(all, now->option);
    const double kept_wh = kept.wh(workload_.tokens_per_day);
    out.change_wh_per_day = std::max(out.change_wh_per_day, std::abs(kept_wh - now->wh_per_day));
    if (kept.candidate == then->option.candidate && kept.strategy == then->option.strategy) return;
    out.changes_answer = true;
    out.regret_wh_per_day = std::max(out.regret_wh_per_day, kept_wh - then->wh_per_day);
  }

  const Workload& workload_;
  Result<Recommendation> now_;
};

}  // namespace

std::vector<Sensitivity> sensitivities(const std::vector<Candidate>& candidates, const Workload& workload) {
  const Trial trial(candidates, workload);
  std::vector<Candidate> changed;
  std::ranges::transform(candidates, std::back_inserter(changed), with_assumed);
  std::vector<Sensitivity> all;
  for (size_t i = 0; i < changed.size(); ++i)
    for (const Knob& knob : knobs(changed[i], workload)) {
      const Figure now = *knob.figure;
      Sensitivity s{.candidate = i,
                    .figure = knob.name,
                    .now = now,
                    .command = std::string(knob.command) + " " + changed[i].target};
      knob.figure->value = std::max(now.value - now.plus_minus, now.value / 10);  // no rate is 0
      trial.run(changed, s, s.break_even_low);
      knob.figure->value = now.value + now.plus_minus;
      trial.run(changed, s, s.break_even_high);
      *knob.figure = now;
      all.push_back(std::move(s));
    }
  const auto worth = [](const Sensitivity& s) {
    return std::tuple(s.changes_answer, s.regret_wh_per_day, s.change_wh_per_day);
  };
  std::ranges::stable_sort(all, std::greater(), worth);
  return all;
}

}  // namespace halcyon::report
