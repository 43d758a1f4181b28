// The parts of the report. Each leaves out what no measurement has.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "report/key_figures.h"
#include "report/page.h"

namespace halcyon::report {

struct Decision;

inline constexpr double kLeastTokens = 1000;  ///< a day; where charts over the load begin

/// The measurements of a page. Each has its number's colour in all charts.
struct Subjects {
  std::span<const Measurement> measurements;
  std::vector<std::string> names;  ///< all different
  std::vector<PromptSize> sizes;

  explicit Subjects(std::span<const Measurement> all)
      : measurements(all), names(names_of(all)), sizes(prompt_sizes(all)) {}
  size_t size() const { return measurements.size(); }

  /// A table with one column of figures for each.
  Table table(std::string title = "") const;
};

/// A chart, and the table that stands for it elsewhere.
void add_bars(Section& section, const std::string& title, const std::vector<BarGroup>& groups);

/// "measured: RAPL package-0", "estimated: CPU time of …".
std::string source_of(const Measurement::Energy& energy);

Section memory_section(const Subjects& subjects);
Section throughput_section(const Subjects& subjects);
Section idle_section(const Subjects& subjects);
Section burn_section(const Subjects& subjects);
Section task_section(const Subjects& subjects);
Section energy_section(const Subjects& subjects, const Decision& decision);
Section decision_section(const Decision& decision);
Section version_section(const Subjects& subjects);
Section problem_section(const Subjects& subjects);
Section origin_section(const Subjects& subjects);

}  // namespace halcyon::report
