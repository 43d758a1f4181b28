#include "report/advice_text.h"

#include <algorithm>
#include <set>

#include "base/quote.h"
#include "report/format.h"

namespace halcyon::report {
namespace {

constexpr double kWorthSaying = 0.01;  // of the cost, that freezing saves
constexpr size_t kLongestName = 40;
constexpr size_t kMostPairs = 8;     // that cross, in the text
constexpr size_t kMostVersions = 6;  // named in it

std::string percent(double share) { return fmt::format("{:.{}f} %", share * 100, share < 0.1 ? 1 : 0); }

std::string_view unit_of(std::string_view figure) {
  if (figure.find("tps") != figure.npos) return "tokens/s";
  if (figure.ends_with("watts")) return "W";
  return figure.ends_with("seconds") ? "s" : "J/token";
}

using Row = std::vector<std::string>;

/// Columns as wide as their widest cell: texts, then figures, then a last column of any width.
std::string table(const std::vector<Row>& rows, size_t n_texts) {
  std::string out;
  for (const Row& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      size_t widest = 0;
      for (const Row& other : rows) widest = std::max(widest, width_of(other[c]));
      const std::string fill(widest - width_of(row[c]), ' ');
      const bool last = c + 1 == row.size();
      out += "  " + (c < n_texts ? row[c] + fill : last ? row[c] : fill + row[c]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

class Text {
 public:
  Text(const Advice& advice, const std::optional<Price>& price) : advice_(advice), price_(price) {}

  std::string all() const {
    return workload() + "\n" + costs() + idle_burn() + "\n" + break_evens() + "\n" + recommendations() +
           worth_measuring() + stale();
  }

 private:
  std::string name(size_t candidate) const {
    return one_line(advice_.candidates[candidate].name, kLongestName);
  }
  std::string named(const Option& option) const {
    return fmt::format("{}, {}", name(option.candidate), words_of(option.strategy));
  }
  std::string priced(const Option& option, double tokens_per_day) const {
    return fmt::format("{} ({}{} Wh/day)", named(option), mark(option.candidate),
                       digits(option.wh(tokens_per_day)));
  }
  std::string_view mark(size_t candidate) const {
    return is_estimated(advice_.candidates[candidate]) ? "~" : "";
  }

  /// A load at which the costs of two cross.
  std::string crossing(const Option& a, const Option& b, double tokens_per_day) const {
    const bool estimated =
        is_estimated(advice_.candidates[a.candidate]) || is_estimated(advice_.candidates[b.candidate]);
    return (estimated ? "~" : "") + in_tokens_per_day(tokens_per_day);
  }

  static std::string describe(const Workload& w) {
    std::string text =
        fmt::format("{}, {} at a time", in_tokens_per_day(w.tokens_per_day), digits(w.burst_tokens));
    if (w.prompt_tokens > 0) text += fmt::format(", prompts of {}", digits(w.prompt_tokens));
    text += w.hours_per_day < 24 ? fmt::format(", {:g} hours a day", w.hours_per_day) : ", around the clock";
    if (w.latency_seconds) text += fmt::format(", at most {:g} s of added wait", *w.latency_seconds);
    return text;
  }

  std::string workload() const {
    return fmt::format("Workload {}: {}\n", advice_.workload.name, describe(advice_.workload));
  }

  std::string costs() const {
    Row head{"candidate", "between bursts", "Wh/day", "kWh/year"};
    if (price_) head.push_back(one_line(price_->currency) + "/year");
    for (const char* title : {"J/token", "busy", "added wait"}) head.push_back(title);
    std::vector<Row> rows{head};
    const double tokens = advice_.workload.tokens_per_day;
    for (const Option& option : advice_.options) {
      const bool first = option.strategy == Strategy::resident;
      const double busy = option.busy_share(tokens), wh = option.wh(tokens);
      const bool possible = busy <= 1;
      const auto cell = [&](double value) {
        return possible ? std::string(mark(option.candidate)) + digits(value) : "-";
      };
      Row row{first ? name(option.candidate) : "", std::string(words_of(option.strategy)), cell(wh),
              cell(wh * kDaysPerYear / 1000)};
      if (price_)
        row.push_back(possible ? fmt::format("{}{:.2f}", mark(option.candidate),
                                             wh * kDaysPerYear / 1000 * price_->per_kwh)
                               : "-");
      row.push_back(tokens > 0 ? cell(option.joules(tokens) / tokens) : "-");
      row.push_back(percent(busy));
      row.push_back(!possible ? "impossible: that is more than it can generate in a day"
                    : option.added_latency == 0
                        ? "none"
                        : fmt::format("{}{:.3g} s{}", wait_mark(option), option.added_latency,
                                      option.in_time ? "" : ": too long"));
      rows.push_back(std::move(row));
    }
    std::string text = table(rows, 2);
    if (std::ranges::any_of(advice_.candidates, is_estimated)) text += "  ~ from estimates\n";
    return text;
  }

  std::string_view wait_mark(const Option& option) const {
    const Candidate& c = advice_.candidates[option.candidate];
    const std::optional<Figure>& wait =
        option.strategy == Strategy::per_burst ? c.load_seconds : c.thaw_seconds;
    return wait && wait->measured ? "" : "~";
  }

  std::string idle_burn() const {
    std::string text = "\nA day without a single request, resident around the clock:\n";
    for (size_t i = 0; i < advice_.candidates.size(); ++i) {
      const double watts = advice_.candidates[i].idle_watts.value;
      const std::string_view about = advice_.candidates[i].idle_watts.measured ? "" : "~";
      text += fmt::format("  {}: {}{} W, {}{} Wh/day, {}{} kWh/year\n", name(i), about, digits(watts), about,
                          digits(watts * 24), about, fmt::format("{:.0f}", watts * 24 * kDaysPerYear / 1000));
    }
    return text;
  }

  std::string break_evens() const {
    std::string text;
    if (advice_.main) {
      const auto& [below, above, tokens] = *advice_.main;
      text = fmt::format(
          "Break-even of the resident processes: {} ({} {} busy, {} {}).\nBelow it {} is cheaper, above it "
          "{}.\n",
          crossing(below, above, tokens), name(above.candidate), percent(above.busy_share(tokens)),
          name(below.candidate), percent(below.busy_share(tokens)), name(below.candidate),
          name(above.candidate));
    } else if (!advice_.resident_by_load.empty() && advice_.candidates.size() > 1) {
      text =
          "Break-even of the two best resident processes: none, their ranking is the same at every load.\n";
    }
    text += by_load("Cheapest resident process", advice_.resident_by_load);
    text += by_load("Cheapest of all that are in time", advice_.any_by_load);
    return text + other_pairs();
  }

  std::string by_load(std::string_view title, const std::vector<Range>& ranges) const {
    if (ranges.empty()) return "";
    if (ranges.size() == 1) return fmt::format("{}: {}, at every load.\n", title, named(ranges[0].option));
    std::string text = fmt::format("{}:\n", title);
    for (size_t i = 0; i < ranges.size(); ++i) {
      const bool last = i + 1 == ranges.size();  // and ends with what it can generate
      const Option& option = ranges[i].option;
      text += fmt::format(
          "  up to {}: {}\n",
          last ? in_tokens_per_day(ranges[i].to) : crossing(option, ranges[i + 1].option, ranges[i].to),
          named(option));
    }
    return text;
  }

  /// The crossings that have not been named yet, of options that are in time.
  std::string other_pairs() const {
    std::vector<std::string> lines;
    for (const BreakEven& b : advice_.break_evens) {
      const bool main = advice_.main && advice_.main->tokens_per_day == b.tokens_per_day;
      if (!main && b.below.in_time && b.above.in_time)
        lines.push_back(fmt::format("  {}: {} below, {} above\n",
                                    crossing(b.below, b.above, b.tokens_per_day), named(b.below),
                                    named(b.above)));
    }
    if (lines.empty()) return "";
    std::string text = "Other break-evens:\n";
    for (size_t i = 0; i < std::min(lines.size(), kMostPairs); ++i) text += lines[i];
    if (lines.size() > kMostPairs) text += fmt::format("  and {} more: --json\n", lines.size() - kMostPairs);
    return text;
  }

  std::string recommendations() const {
    std::string text = "Recommendations\n";
    if (advice_.workload.name == "custom") text += recommendation(advice_.answer);
    for (const Recommendation& r : advice_.by_preset) text += recommendation(r);
    std::set<std::string> versions;
    for (const Candidate& c : advice_.candidates)
      for (const auto& [name, version] : c.versions)
        versions.insert(one_line(name + " " + version, kLongestName));
    std::vector<std::string> named(versions.begin(), versions.end());
    if (named.size() > kMostVersions) named.resize(kMostVersions);
    return text +
           fmt::format(
               "  Measure again when a version changes{}{}: what a server burns while idle depends on it.\n",
               named.empty() ? "" : ", now ", fmt::join(named, ", "));
  }

  std::string recommendation(const Recommendation& r) const {
    const double tokens = r.workload.tokens_per_day;
    std::string text = fmt::format("  {:<7} ({})\n", r.workload.name, describe(r.workload));
    if (!r.unfrozen) {
      text += "          more than any candidate can generate in its hours\n";
    } else if (r.unfrozen->as_good.empty()) {
      text += fmt::format("          {}\n", priced(r.unfrozen->option, tokens));
    } else {
      text += "          either: " + priced(r.unfrozen->option, tokens);
      for (const Option& option : r.unfrozen->as_good) text += "; " + priced(option, tokens);
      text += fmt::format(" (the difference is below 1 W around the clock)\n");
    }
    const bool saves =
        r.any && (!r.unfrozen || r.any->wh_per_day < (1 - kWorthSaying) * r.unfrozen->wh_per_day);
    if (saves && r.any->option.strategy == Strategy::frozen)
      text += fmt::format("          with freezing (halcyon guard): {}\n", priced(r.any->option, tokens));
    return text;
  }

  std::string worth_measuring() const {
    if (advice_.sensitivities.empty()) return "";
    const Sensitivity& s = advice_.sensitivities.front();
    std::string text =
        fmt::format("\nThe measurement that is worth most: {} of {}, {} ± {} {} ({}).\n", one_line(s.figure),
                    name(s.candidate), digits(s.now.value), digits(s.now.plus_minus), unit_of(s.figure),
                    s.now.measured ? "measured" : "estimated");
    text +=
        s.changes_answer && s.regret_wh_per_day == 0
            ? std::string("Within that range the answer changes, since what is possible in time does.\n")
        : s.changes_answer
            ? fmt::format(
                  "Within that range the answer changes: today's would cost up to {} Wh/day more than the "
                  "best.\n",
                  digits(s.regret_wh_per_day))
            : fmt::format(
                  "Within that range the answer stays what it is, and costs up to {} Wh/day more or less.\n",
                  digits(s.change_wh_per_day));
    if (advice_.main) {
      const auto at = [](const std::optional<double>& tokens) {
        return tokens ? "at " + in_tokens_per_day(*tokens) : std::string("nowhere");
      };
      text += fmt::format("The break-even would be {} for the lower end, {} for the upper.\n",
                          at(s.break_even_low), at(s.break_even_high));
    }
    return text + fmt::format("  {}\n", one_line(s.command));
  }

  std::string stale() const {
    std::string text;
    for (const Stale& s : advice_.stale) {
      text += fmt::format("\nStale: {} was measured with other versions than this machine has now:\n",
                          name(s.candidate));
      for (const VersionChange& change : s.changes)
        text += fmt::format("  {}: then {}, now {}\n", one_line(change.name), one_line(change.then),
                            one_line(change.now));
    }
    return text;
  }

  const Advice& advice_;
  const std::optional<Price>& price_;
};

}  // namespace

std::string in_tokens_per_day(double tokens) {
  if (tokens >= 1e6) return fmt::format("{:.2f} million tokens/day", tokens / 1e6);
  return digits(tokens) + " tokens/day";
}

std::string_view words_of(Strategy strategy) {
  switch (strategy) {
    case Strategy::resident:
      return "resident";
    case Strategy::frozen:
      return "frozen while idle";
    case Strategy::per_burst:
      return "started for a burst, then stopped";
  }
  return "";
}

std::string to_text(const Advice& advice, const std::optional<Price>& price) {
  return Text(advice, price).all();
}

}  // namespace halcyon::report
