// What the report says about a server with nothing to do.
#include <fmt/format.h>

#include <algorithm>

#include "report/cost_sections.h"
#include "report/format.h"

namespace halcyon::report {
namespace {

constexpr size_t kMostThreads = 8;  // of each server

using Window = std::optional<IdleWindow> Measurement::Idle::*;

/// CPU time of each second, or, where there are no seconds, the mean of the window.
Line cpu_line(const IdleWindow& window, const std::string& name, size_t number) {
  Line line{name, number, number % 3, {}};
  for (const IdleWindow::Second& second : window.series)
    if (second.cpu_percent) line.points.push_back({second.at, *second.cpu_percent});
  if (line.points.empty() && window.cpu_percent) {
    line.name += " (mean)";
    line.points = {{0, *window.cpu_percent}, {window.seconds, *window.cpu_percent}};
  }
  return line;
}

std::string describe(const Line& line) {
  const auto [least, most] = std::ranges::minmax(line.points, {}, &Line::Point::y);
  return fmt::format("{}: from {} % to {} % of one core within {} s. ", line.name, digits(least.y),
                     digits(most.y), fmt::format("{:g}", line.points.back().x));
}

Table line_table(const std::string& title, const std::vector<Line>& lines) {
  Table table{.title = title + ": each second",
              .columns = {{""}, {"s", true}, {"% of one core", true}},
              .rows = {},
              .use = Table::Use::detail};
  for (const Line& line : lines)
    for (const Line::Point& point : line.points)
      table.rows.push_back({line.name, fmt::format("{:g}", point.x), digits(point.y)});
  return table;
}

void add_window(Section& section, const Subjects& subjects, Window window, const std::string& title) {
  std::vector<Line> lines;
  std::string description;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const std::optional<IdleWindow>& w = subjects.measurements[i].idle.*window;
    if (!w) continue;
    Line line = cpu_line(*w, subjects.names[i], i);
    if (line.points.empty()) continue;
    description += describe(line);
    lines.push_back(std::move(line));
  }
  if (lines.empty()) return;
  section.blocks.emplace_back(
      line_chart(title, description, {.title = "seconds"}, {.title = "% of one core", .to = 10}, lines));
  section.blocks.emplace_back(line_table(title, lines));
}

/// Means of the windows, side by side.
Table means(const Subjects& subjects) {
  Table table = subjects.table("Means of the windows");
  const auto add = [&](std::string what, Window window, const auto& text_of) {
    std::vector<std::string> row{std::move(what)};
    bool any = false;
    for (const Measurement& m : subjects.measurements) {
      const std::string text = (m.idle.*window) ? text_of(m, *(m.idle.*window)) : "";
      any = any || !text.empty();
      row.push_back(text.empty() ? "–" : text);
    }
    if (any) table.rows.push_back(std::move(row));
  };
  const auto figure = [](Unit unit, auto member) {
    return [unit, member](const Measurement& m, const IdleWindow& w) {
      const bool estimated = unit == Unit::watts && !m.energy.measured;
      return w.*member ? in_words({"", unit, false, w.*member, {}, estimated}) : "";
    };
  };
  const auto memory = [](const Measurement&, const IdleWindow& w) {
    return w.rss_bytes ? in_bytes(*w.rss_bytes) : "";
  };
  add("before the server: machine", &Measurement::Idle::before, figure(Unit::watts, &IdleWindow::watts));
  for (const auto& [when, window] : {std::pair("after the load", &Measurement::Idle::after_load),
                                     std::pair("after a generation", &Measurement::Idle::after_generation)}) {
    const std::string prefix = std::string(when) + ": ";
    add(prefix + "CPU", window, figure(Unit::percent, &IdleWindow::cpu_percent));
    add(prefix + "wake-ups", window, figure(Unit::per_second, &IdleWindow::wakeups_per_second));
    add(prefix + "resident memory", window, memory);
    add(prefix + "machine", window, figure(Unit::watts, &IdleWindow::watts));
    add(prefix + "GPU busy", window, [](const Measurement&, const IdleWindow& w) {
      return w.gpu_busy_percent ? digits(*w.gpu_busy_percent) + " %" : "";
    });
    add(prefix + "GPU clock", window, [](const Measurement&, const IdleWindow& w) {
      return w.gpu_clock_mhz ? digits(*w.gpu_clock_mhz) + " MHz" : "";
    });
  }
  return table;
}

Table threads(const Subjects& subjects) {
  Table table{.title = "The busiest threads while idle",
              .columns = {{""}, {"thread"}, {"% of one core", true}, {"wake-ups/s", true}},
              .rows = {},
              .use = Table::Use::detail};
  for (size_t i = 0; i < subjects.size(); ++i) {
    const IdleWindow* window = typical_idle(subjects.measurements[i]);
    for (size_t t = 0; window && t < std::min(window->threads.size(), kMostThreads); ++t) {
      const IdleWindow::Thread& thread = window->threads[t];
      table.rows.push_back({subjects.names[i], fmt::format("{} ({})", thread.name, thread.tid),
                            digits(thread.cpu_percent), digits(thread.wakeups_per_second)});
    }
  }
  return table;
}

std::string_view in_words(std::string_view cause) {
  if (cause == "none") return "nothing burns while it is idle";
  if (cause == "cpu_spin") return "threads of the server's process spin on the CPU (cpu_spin)";
  if (cause == "gpu_pinned") return "idle processes hold the GPU at full clock (gpu_pinned)";
  if (cause == "kernel_worker") return "a worker of the kernel does not end (kernel_worker)";
  return "nobody looked for a cause";
}

Table hot_ranges(const Measurement::Burn& burn) {
  Table table{
      .title = "Where it spins" + (burn.method.empty() ? "" : fmt::format(" (found with {})", burn.method)),
      .columns = {{"object"}, {"offset"}, {"bytes", true}, {"share of samples", true}, {"symbol"}},
      .rows = {}};
  for (const HotRange& range : burn.hot_ranges)
    table.rows.push_back({range.object, fmt::format("0x{:x}", range.offset), fmt::to_string(range.size),
                          range.share ? digits(*range.share * 100) + " %" : "not known",
                          range.symbol.empty() ? "not known" : range.symbol});
  return table;
}

}  // namespace

Section idle_section(const Subjects& subjects) {
  Section section{"While nothing is asked of it", {}};
  add_window(section, subjects, &Measurement::Idle::after_load, "CPU time, right after the load");
  add_window(section, subjects, &Measurement::Idle::after_generation, "CPU time, right after a generation");
  for (Table table : {means(subjects), threads(subjects)})
    if (!table.rows.empty()) section.blocks.emplace_back(std::move(table));
  return section;
}

Section burn_section(const Subjects& subjects) {
  Section section{"Why it burns", {}};
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Measurement::Burn& burn = subjects.measurements[i].burn;
    section.blocks.emplace_back(Paragraph{fmt::format("{}: {}.", subjects.names[i], in_words(burn.cause))});
    if (!burn.evidence.empty()) section.blocks.emplace_back(List{burn.evidence});
    if (!burn.hot_ranges.empty()) section.blocks.emplace_back(hot_ranges(burn));
    if (burn.advice.empty()) continue;
    section.blocks.emplace_back(Paragraph{"What helps, and what does not:"});
    section.blocks.emplace_back(List{burn.advice});
  }
  return section;
}

}  // namespace halcyon::report
