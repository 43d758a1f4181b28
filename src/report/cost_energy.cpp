// What the report says about energy: joules for a token while the server works, and with its idle hours.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/decision.h"
#include "report/format.h"

namespace halcyon::report {
namespace {

constexpr int kPoints = 80;        // of a curve
constexpr size_t kMostInFull = 3;  // candidates; of more only the resident processes are drawn

using PerToken = Measurement::Energy::PerToken;

void add_phase(std::vector<BarGroup>& groups, const Subjects& subjects, std::string label,
               std::optional<double> PerToken::*phase) {
  BarGroup group{std::move(label), {}};
  bool any = false;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Measurement::Energy& energy = subjects.measurements[i].energy;
    const std::optional<double> gross = energy.j_per_token.*phase,
                                above = energy.j_per_token_above_idle.*phase;
    any = any || gross;
    Bar bar{subjects.names[i],
            i,
            gross,
            {},
            {},
            in_words({"", Unit::joules, false, gross, {}, !energy.measured})};
    if (gross && above)
      bar.text += fmt::format(", {}{} above idle", energy.measured ? "" : "~", digits(*above));
    group.bars.push_back(std::move(bar));
  }
  if (any) groups.push_back(std::move(group));
}

List sources(const Subjects& subjects) {
  List list;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Measurement::Energy& energy = subjects.measurements[i].energy;
    if (!energy.source.empty())
      list.items.push_back(
          fmt::format("{}: {}{}", subjects.names[i], energy.measured ? "" : "~ ", source_of(energy)));
  }
  return list;
}

/// Over the tokens of a day, as far as it can generate them.
Line cost_line(const Option& option, const Decision& decision) {
  Line line{decision.name(option), decision.colour(option), static_cast<size_t>(option.strategy), {}};
  const double most = option.capacity();
  for (int i = 0; i <= kPoints && most > kLeastTokens; ++i) {
    const double tokens = kLeastTokens * std::pow(most / kLeastTokens, static_cast<double>(i) / kPoints);
    if (const double joules = option.joules(tokens) / tokens; joules > 0)
      line.points.push_back({tokens, joules});
  }
  return line;
}

void add_cost_over_load(Section& section, const Decision& decision) {
  const std::string title = "Joules per generated token over the load, idle hours included";
  const Advice& advice = *decision.advice;
  Table table{.title = title + ": at some loads",
              .columns = {{""}, {"10,000 a day", true}, {"100,000 a day", true}, {"1 million a day", true}},
              .rows = {},
              .use = Table::Use::detail};
  std::vector<Line> lines;
  std::string description;
  for (const Option& option : advice.options) {
    if (advice.candidates.size() > kMostInFull && option.strategy != Strategy::resident) continue;
    std::vector<std::string> row{decision.name(option)};
    for (const double tokens : {1e4, 1e5, 1e6})
      row.push_back(tokens > option.capacity() ? "more than it can"
                                               : fmt::format("{}{} J", decision.mark(option),
                                                             digits(option.joules(tokens) / tokens)));
    description += fmt::format("{}: {} at 10,000 tokens a day, {} at 1 million. ", row[0], row[1], row[3]);
    table.rows.push_back(std::move(row));
    if (Line line = cost_line(option, decision); !line.points.empty()) lines.push_back(std::move(line));
  }
  if (lines.empty()) return;
  std::vector<Mark> marks;
  if (advice.main) marks.push_back({advice.main->tokens_per_day, "break-even, resident"});
  const double any = lines.front().points.front().y;  // the lines widen the axis
  section.blocks.emplace_back(line_chart(
      title, description,
      {.title = "tokens generated per day", .is_log = true, .from = kLeastTokens, .to = kLeastTokens},
      {.title = "J per token", .is_log = true, .from = any, .to = any}, lines, marks));
  section.blocks.emplace_back(std::move(table));
}

}  // namespace

Section energy_section(const Subjects& subjects, const Decision& decision) {
  std::vector<BarGroup> groups;
  add_phase(groups, subjects, "a token of the prompt", &PerToken::prefill);
  add_phase(groups, subjects, "a generated token", &PerToken::decode);
  Section section{"Energy", {}};
  add_bars(section, "Joules while it works, gross", groups);
  if (List list = sources(subjects); !list.items.empty()) section.blocks.emplace_back(std::move(list));
  if (decision.advice) add_cost_over_load(section, decision);
  return section;
}

}  // namespace halcyon::report
