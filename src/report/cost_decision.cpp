// What the report says about which server, and which way to run it, is the cheapest for which workload.
#include <fmt/format.h>

#include <algorithm>

#include "report/advice_text.h"
#include "report/decision.h"
#include "report/format.h"

namespace halcyon::report {
namespace {

bool is(const std::optional<Choice>& choice, const Option& option) {
  return choice && choice->option.candidate == option.candidate && choice->option.strategy == option.strategy;
}

/// What a day of a workload takes, for each option.
BarGroup day(const Decision& decision, const Recommendation& r, const std::vector<Option>& all) {
  const double tokens = r.workload.tokens_per_day;
  BarGroup group;
  for (const Option& option : all) {
    Bar bar{decision.name(option), decision.colour(option), {}, {}, {}, "more than it can generate"};
    if (option.busy_share(tokens) <= 1) {
      bar.is_marked = is(r.any, option) || is(r.unfrozen, option);
      bar.value = std::max(0.0, option.wh(tokens));
      bar.text = fmt::format("{}{}{} Wh",
                             is(r.any, option)        ? "cheapest: "
                             : is(r.unfrozen, option) ? "cheapest unfrozen: "
                             : option.in_time         ? ""
                                                      : "starts too late: ",
                             decision.mark(option), digits(*bar.value));
    }
    group.bars.push_back(std::move(bar));
  }
  return group;
}

std::string words_of(const Workload& workload) {
  std::string text = fmt::format("{}: {}", workload.name, in_tokens_per_day(workload.tokens_per_day));
  if (workload.hours_per_day < 24) text += fmt::format(", {:g} hours a day", workload.hours_per_day);
  return text;
}

void add_by_load(Section& section, const Decision& decision) {
  const std::string title = "Which one is the cheapest, by load";
  const Advice& advice = *decision.advice;
  std::vector<SpanRow> rows;
  Table table{.title = title,
              .columns = {{"of"}, {"up to", true}, {"the cheapest is"}},
              .rows = {},
              .use = Table::Use::without_chart};
  double most = 10 * kLeastTokens;
  for (const auto& [label, ranges] :
       {std::pair("of the resident processes", &advice.resident_by_load),
        std::pair("of all ways to run them that are in time", &advice.any_by_load)}) {
    SpanRow row{label, {}};
    for (const Range& range : *ranges) {
      const std::string name = decision.name(range.option), to = in_tokens_per_day(range.to);
      most = std::max(most, range.to);
      row.spans.push_back(
          {range.from, range.to, decision.colour(range.option), fmt::format("{}: up to {}", name, to)});
      table.rows.push_back({label, to, name});
    }
    if (!row.spans.empty()) rows.push_back(std::move(row));
  }
  if (rows.empty()) return;
  const Axis load{.title = "tokens generated per day", .is_log = true, .from = kLeastTokens, .to = most};
  section.blocks.emplace_back(span_chart(title, load, rows));
  section.blocks.emplace_back(std::move(table));
}

std::string break_even(const Decision& decision) {
  const Advice& advice = *decision.advice;
  if (!advice.main) return "The ranking of the resident processes is the same at every load.";
  const auto& [below, above, tokens] = *advice.main;
  const std::string_view mark = decision.mark(below).empty() ? decision.mark(above) : decision.mark(below);
  return fmt::format(
      "Of the resident processes {} is cheaper below {}{} and {} above. There {} is busy for {} % of the "
      "time.",
      advice.candidates[below.candidate].name, mark, in_tokens_per_day(tokens),
      advice.candidates[above.candidate].name, advice.candidates[above.candidate].name,
      digits(above.busy_share(tokens) * 100));
}

std::string sentence(const Recommendation& r, const Decision& decision) {
  std::string text = r.workload.name + ": ";
  if (!r.unfrozen) {
    text += "more than any can generate in its hours";
  } else {
    text += decision.name(r.unfrozen->option);
    for (const Option& option : r.unfrozen->as_good) text += ", or " + decision.name(option);
    if (!r.unfrozen->as_good.empty()) text += " (less than 1 W around the clock apart)";
  }
  if (r.any && r.any->option.strategy == Strategy::frozen)
    text += fmt::format("; with halcyon guard: {}", decision.name(r.any->option));
  return text + ".";
}

}  // namespace

Section decision_section(const Decision& decision) {
  Section section{"Which one for which workload", {}};
  if (decision.advice) {
    const Advice& advice = *decision.advice;
    if (advice.candidates.size() > 1) section.blocks.emplace_back(Paragraph{break_even(decision)});
    List list;
    for (const Recommendation& r : advice.by_preset) list.items.push_back(sentence(r, decision));
    section.blocks.emplace_back(std::move(list));
    add_by_load(section, decision);
    // A chart for each workload, since they are not to be compared with each other.
    for (const Recommendation& r : advice.by_preset)
      if (const auto all = options(advice.candidates, r.workload))
        add_bars(section, "A day's energy for " + words_of(r.workload), {day(decision, r, *all)});
  }
  if (!decision.problems.empty()) section.blocks.emplace_back(List{decision.problems});
  return section;
}

}  // namespace halcyon::report
