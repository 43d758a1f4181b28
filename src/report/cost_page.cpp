#include "report/cost_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/cost_sections.h"
#include "report/decision.h"
#include "report/format.h"

namespace halcyon::report {
namespace {

/// "HIP", "HIP and Vulkan", "HIP, Vulkan and Halcyon".
std::string enumerate(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

/// All figures that anybody has, side by side.
Table figures(const Subjects& subjects) {
  Table table = subjects.table();
  std::vector<std::vector<KeyFigure>> columns;
  for (const Measurement& m : subjects.measurements) columns.push_back(key_figures(m, subjects.sizes));
  for (size_t f = 0; !columns.empty() && f < columns.front().size(); ++f) {
    if (std::ranges::none_of(columns, [&](const auto& column) { return column[f].value.has_value(); }))
      continue;
    std::vector<std::string> row{columns.front()[f].name};
    for (const auto& column : columns) row.push_back(column[f].value ? in_words(column[f]) : "–");
    table.rows.push_back(std::move(row));
  }
  return table;
}

void add(Page& page, Section section) {
  if (!section.blocks.empty()) page.sections.push_back(std::move(section));
}

std::string models(const Subjects& subjects) {
  std::set<std::string> models;
  for (const Measurement& m : subjects.measurements)
    if (!m.target.model.empty()) models.insert(m.target.model);
  return models.empty() ? "a model that was not named" : enumerate({models.begin(), models.end()});
}

}  // namespace

Page cost_page(std::span<const Measurement> measurements) {
  const Subjects subjects(measurements);
  Page page{.title = "What it costs: " + enumerate(subjects.names), .summary = {}, .sections = {}};
  std::string summary =
      "Running " + models(subjects) + ". CPU time is in percent of one core, and – is what was not measured.";
  if (std::ranges::any_of(measurements, [](const Measurement& m) { return !m.energy.measured; }))
    summary += " Figures with a ~ are estimates; what they rest on is said under Energy.";
  page.summary.emplace_back(Paragraph{std::move(summary)});
  page.summary.emplace_back(figures(subjects));

  const Decision decision = decide(subjects);
  add(page, decision_section(decision));
  add(page, energy_section(subjects, decision));
  add(page, idle_section(subjects));
  add(page, burn_section(subjects));
  add(page, throughput_section(subjects));
  add(page, memory_section(subjects));
  add(page, task_section(subjects));
  add(page, problem_section(subjects));
  add(page, version_section(subjects));
  add(page, origin_section(subjects));
  return page;
}

Page summary_page(const Measurement& measurement) {
  const Subjects subjects(std::span(&measurement, 1));
  Page page{.title = subjects.names[0], .summary = {figures(subjects)}, .sections = {}};
  add(page, problem_section(subjects));
  add(page, burn_section(subjects));
  add(page, task_section(subjects));
  add(page, version_section(subjects));
  add(page, origin_section(subjects));
  return page;
}

}  // namespace halcyon::report
