#include "report/cost_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/format.h"

namespace halcyon::report {
namespace {

Bar memory_bar(std::string label, size_t colour, std::optional<uint64_t> used,
               std::optional<uint64_t> capacity) {
  const auto as_double = [](std::optional<uint64_t> n) {
    return n ? std::optional(static_cast<double>(*n)) : std::nullopt;
  };
  std::string text = "not measured";
  if (used && capacity) text = fmt::format("{} of {} in use", in_bytes(*used), in_bytes(*capacity));
  if (used && !capacity) text = in_bytes(*used);
  if (!used && capacity) text = fmt::format("{}, use not measured", in_bytes(*capacity));
  return {std::move(label), colour, as_double(used), {}, as_double(capacity), std::move(text), false};
}

/// Of all GPUs; empty if it is known of none.
std::optional<uint64_t> total(const Measurement& m,
                              std::optional<uint64_t> Measurement::Machine::Gpu::*member) {
  std::optional<uint64_t> sum;
  for (const auto& gpu : m.machine.gpus)
    if (gpu.*member) sum = sum.value_or(0) + *(gpu.*member);
  return sum;
}

/// A bar of each subject that has the figure; empty if none has.
BarGroup rate_group(const Subjects& subjects, const std::string& label, const auto& figure_of) {
  BarGroup group{label, {}};
  bool any = false;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const KeyFigure figure = figure_of(subjects.measurements[i]);
    any = any || figure.value;
    group.bars.push_back({subjects.names[i], i, figure.value, figure.deviation, {}, in_words(figure), false});
  }
  if (!any) group.bars.clear();
  return group;
}

void add_group(std::vector<BarGroup>& groups, BarGroup group) {
  if (!group.bars.empty()) groups.push_back(std::move(group));
}

Table repetitions(const Subjects& subjects) {
  Table table{
      .title = "Each repetition, and what the servers say themselves",
      .columns =
          {{""}, {""}, {"tok/s", true}, {"mean ± deviation", true}, {"the server says", true}, {"note"}},
      .rows = {},
      .use = Table::Use::detail};
  const auto add = [&](std::string what, const std::string& who, const std::vector<double>& tps,
                       std::optional<double> mean, std::optional<double> deviation,
                       std::optional<double> server, const std::string& note) {
    std::string each;
    for (const double rate : tps) each += (each.empty() ? "" : " · ") + digits(rate);
    if (!each.empty() || server || !note.empty())
      table.rows.push_back({std::move(what), who, each, mean ? digits(*mean, deviation) : "",
                            server ? digits(*server) : "", note});
  };
  for (const PromptSize& size : subjects.sizes)
    for (size_t i = 0; i < subjects.size(); ++i)
      if (const Rates* r = prefill_of(subjects.measurements[i], size))
        add(fmt::format("prompt of {} tokens", r->tokens), subjects.names[i], r->tps, r->mean_tps,
            r->stddev_tps, r->server_tps, r->note);
  for (size_t i = 0; i < subjects.size(); ++i) {
    const auto& d = subjects.measurements[i].throughput.decode;
    add(fmt::format("generation of {} tokens, warm", d.tokens), subjects.names[i], d.warm, d.warm_mean_tps,
        d.warm_stddev_tps, d.server_tps, "");
  }
  return table;
}

}  // namespace

Table Subjects::table(std::string title) const {
  Table table{.title = std::move(title), .columns = {{""}}, .rows = {}};
  for (const std::string& name : names) table.columns.push_back({name, true});
  return table;
}

void add_bars(Section& section, const std::string& title, const std::vector<BarGroup>& groups) {
  if (groups.empty()) return;
  section.blocks.emplace_back(bar_chart(title, groups));
  Table table{.title = title, .columns = {{""}}, .rows = {}, .use = Table::Use::without_chart};
  const auto has_labels_of_first = [&](const BarGroup& group) {
    return std::ranges::equal(group.bars, groups.front().bars, {}, &Bar::label, &Bar::label);
  };
  if (groups.size() == 1) {
    table.columns.push_back({groups[0].label, true});
    for (const Bar& bar : groups[0].bars) table.rows.push_back({bar.label, bar.text});
  } else if (std::ranges::all_of(groups, has_labels_of_first)) {
    for (const Bar& bar : groups.front().bars) table.columns.push_back({bar.label, true});
    for (const BarGroup& group : groups) {
      table.rows.push_back({group.label});
      for (const Bar& bar : group.bars) table.rows.back().push_back(bar.text);
    }
  } else {
    table.columns.insert(table.columns.end(), {{""}, {"", true}});
    for (const BarGroup& group : groups)
      for (const Bar& bar : group.bars) table.rows.push_back({group.label, bar.label, bar.text});
  }
  section.blocks.emplace_back(std::move(table));
}

std::string source_of(const Measurement::Energy& energy) {
  constexpr std::string_view kEstimated = "estimated: ";  // as the source itself may say
  if (energy.measured) return "measured: " + energy.source;
  return energy.source.starts_with(kEstimated) ? energy.source : std::string(kEstimated) + energy.source;
}

Section memory_section(const Subjects& subjects) {
  using Gpu = Measurement::Machine::Gpu;
  std::vector<BarGroup> process, gpu;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Measurement& m = subjects.measurements[i];
    if (m.memory.rss_before_load || m.memory.rss_after_load || m.memory.rss_peak)
      process.push_back({subjects.names[i],
                         {memory_bar("before the load", i, m.memory.rss_before_load, {}),
                          memory_bar("after the load", i, m.memory.rss_after_load, {}),
                          memory_bar("at most", i, m.memory.rss_peak, {})}});
    BarGroup group{subjects.names[i], {}};
    const auto vram = total(m, &Gpu::vram_bytes), gtt = total(m, &Gpu::gtt_bytes);
    if (m.memory.vram_used || vram) group.bars.push_back(memory_bar("VRAM", i, m.memory.vram_used, vram));
    if (m.memory.gtt_used || gtt) group.bars.push_back(memory_bar("GTT", i, m.memory.gtt_used, gtt));
    add_group(gpu, std::move(group));
  }
  Section section{"Memory", {}};
  add_bars(section, "Resident memory of the server's processes", process);
  add_bars(section, "Memory that the GPUs can use, and what of it is in use with the model loaded", gpu);
  return section;
}

Section throughput_section(const Subjects& subjects) {
  std::vector<BarGroup> prompts, generation;
  for (const PromptSize& size : subjects.sizes)
    add_group(
        prompts, rate_group(subjects, name_of(size), [&](const Measurement& m) {
          const Rates* r = prefill_of(m, size);
          return KeyFigure{
              "",   Unit::rate, true, r ? r->median_tps : std::nullopt, r ? r->stddev_tps : std::nullopt,
              false};
        }));
  add_group(generation, rate_group(subjects, "cold: the first after the load", [](const Measurement& m) {
              return KeyFigure{"", Unit::rate, true, m.throughput.decode.cold_tps, {}, false};
            }));
  add_group(generation, rate_group(subjects, "warm: the median of the later ones", [](const Measurement& m) {
              const auto& decode = m.throughput.decode;
              return KeyFigure{"", Unit::rate, true, decode.warm_tps, decode.warm_stddev_tps, false};
            }));
  Section section{"Throughput", {}};
  add_bars(section, "Reading a prompt", prompts);
  add_bars(section, "Generating", generation);
  Table each = repetitions(subjects);
  if (!section.blocks.empty() && !each.rows.empty()) section.blocks.emplace_back(std::move(each));
  return section;
}

Section task_section(const Subjects& subjects) {
  Section section{"Tasks", {}};
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Measurement& m = subjects.measurements[i];
    if (m.tasks.empty()) continue;
    Table table{.title = subjects.names[i],
                .columns = {{"task"},
                            {"prompt", true},
                            {"generated", true},
                            {"prompt, tok/s", true},
                            {"tok/s", true},
                            {"s", true},
                            {m.energy.measured ? "J" : "J, estimated", true},
                            {""}},
                .rows = {}};
    const auto or_dash = [](const std::optional<double>& value) { return value ? digits(*value) : "–"; };
    for (const Task& task : m.tasks)
      table.rows.push_back({task.name, fmt::to_string(task.prompt_tokens),
                            fmt::to_string(task.generated_tokens), or_dash(task.prompt_tps),
                            or_dash(task.tps), digits(task.seconds), or_dash(task.joules), task.error});
    section.blocks.emplace_back(std::move(table));
  }
  return section;
}

Section version_section(const Subjects& subjects) {
  std::set<std::string> names;
  for (const Measurement& m : subjects.measurements)
    for (const auto& [name, version] : m.versions) names.insert(name);
  Table table = subjects.table();
  for (Table::Column& column : table.columns) column.is_figure = false;
  table.columns.push_back({""});
  for (const std::string& name : names) {
    std::vector<std::string> row{name};
    std::set<std::string> different;
    for (const Measurement& m : subjects.measurements) {
      const auto version = m.versions.find(name);
      row.push_back(version != m.versions.end() ? version->second : "not known");
      if (version != m.versions.end()) different.insert(version->second);
    }
    row.push_back(different.size() > 1 ? "differ" : "");
    table.rows.push_back(std::move(row));
  }
  Section section{"Versions", {}};
  if (!table.rows.empty()) section.blocks.emplace_back(std::move(table));
  return section;
}

Section problem_section(const Subjects& subjects) {
  List list;
  for (size_t i = 0; i < subjects.size(); ++i) {
    const Measurement& m = subjects.measurements[i];
    if (!m.complete) list.items.push_back(subjects.names[i] + ": the measurement is not complete");
    std::string missing;
    const auto need = [&](std::string_view what, bool known) {
      if (!known) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", what);
    };
    need("time to load", m.load_seconds.has_value());
    need("reading prompts", typical_prefill(m) != nullptr);
    need("generation", m.throughput.decode.warm_tps.has_value());
    need("idle after the load", m.idle.after_load.has_value());
    need("idle after a generation", m.idle.after_generation.has_value());
    need("joules per generated token", m.energy.j_per_token.decode.has_value());
    need("cause of the idle burn", !m.burn.cause.empty());
    if (!missing.empty())
      list.items.push_back(fmt::format("{}: not measured: {}", subjects.names[i], missing));
    for (const std::string& problem : m.problems) list.items.push_back(subjects.names[i] + ": " + problem);
  }
  Section section{"What is missing, and what went wrong", {}};
  if (!list.items.empty()) section.blocks.emplace_back(std::move(list));
  return section;
}

Section origin_section(const Subjects& subjects) {
  Table table = subjects.table();
  for (Table::Column& column : table.columns) column.is_figure = false;
  const auto add = [&](std::string what, const auto& text_of) {
    std::vector<std::string> row{std::move(what)};
    bool any = false;
    for (const Measurement& m : subjects.measurements) {
      row.push_back(text_of(m));
      any = any || !row.back().empty();
    }
    if (any) table.rows.push_back(std::move(row));
  };
  add("measurement", [](const Measurement& m) { return m.id; });
  add("began", [](const Measurement& m) { return when(m) + " UTC"; });
  add("protocol", [](const Measurement& m) { return m.protocol.empty() ? "typed in" : m.protocol; });
  add("model", [](const Measurement& m) { return m.target.model; });
  add("server", [](const Measurement& m) { return fmt::format("{} {}", m.target.dialect, m.target.url); });
  add("command", [](const Measurement& m) { return m.target.command; });
  add("processor", [](const Measurement& m) {
    return m.machine.cores ? fmt::format("{}, {} logical cores", m.machine.cpu, *m.machine.cores)
                           : m.machine.cpu;
  });
  add("memory", [](const Measurement& m) {
    return m.machine.memory_bytes ? in_bytes(*m.machine.memory_bytes) : std::string();
  });
  add("GPUs", [](const Measurement& m) {
    std::string names;
    for (const auto& gpu : m.machine.gpus) names += (names.empty() ? "" : ", ") + gpu.name;
    return names;
  });
  add("energy", [](const Measurement& m) { return m.energy.source.empty() ? "" : source_of(m.energy); });
  return {"Where the figures are from", {std::move(table)}};
}

}  // namespace halcyon::report
