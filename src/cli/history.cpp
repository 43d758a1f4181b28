// halcyon history: the measurements made on this machine.
#include "report/history.h"

#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "cli/command.h"
#include "cli/diagnostics.h"
#include "report/comparison.h"
#include "report/cost_page.h"
#include "report/format.h"
#include "report/key_figures.h"
#include "report/output_file.h"

namespace halcyon::cli {
namespace {

using nlohmann::ordered_json;
using report::History;
using report::Measurement;

std::string in_json(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

/// The figures that a line of the list has room for.
struct Line {
  std::optional<double> prefill_tps, decode_tps, idle_cpu_percent, j_per_token;

  explicit Line(const Measurement& m)
      : decode_tps(m.throughput.decode.warm_tps), j_per_token(m.energy.j_per_token.decode) {
    if (const report::Rates* rates = report::typical_prefill(m)) prefill_tps = rates->median_tps;
    if (const report::IdleWindow* window = report::typical_idle(m)) idle_cpu_percent = window->cpu_percent;
  }
};

std::vector<std::string> row(const Measurement& m) {
  const Line line(m);
  const auto text = [](const std::optional<double>& value) { return value ? report::digits(*value) : "–"; };
  const std::string mark = line.j_per_token && !m.energy.measured ? "~" : "";
  return {m.id,
          report::when(m),
          one_line(report::name_of(m), 24),
          one_line(m.target.model, 32),
          text(line.prefill_tps),
          text(line.decode_tps),
          text(line.idle_cpu_percent),
          mark + text(line.j_per_token),
          m.burn.cause.empty() ? "–" : m.burn.cause};
}

ordered_json entry(const Measurement& m) {
  const Line line(m);
  const auto or_null = [](const auto& value) { return value ? ordered_json(*value) : ordered_json(); };
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? ordered_json() : ordered_json(text);
  };
  return {{"id", m.id},
          {"started_at", m.started_at},
          {"name", report::name_of(m)},
          {"model", text_or_null(m.target.model)},
          {"dialect", text_or_null(m.target.dialect)},
          {"complete", m.complete},
          {"prefill_tps", or_null(line.prefill_tps)},
          {"decode_tps", or_null(line.decode_tps)},
          {"idle_cpu_percent", or_null(line.idle_cpu_percent)},
          {"j_per_token", or_null(line.j_per_token)},
          {"energy_measured", m.energy.measured},
          {"burn_cause", text_or_null(m.burn.cause)}};
}

Result<void> list(bool as_json) {
  TRY(const History history, History::open());
  TRY(const std::vector<History::Entry> entries, history.list());
  report::Table table{.title = "",
                      .columns = {{"id"},
                                  {"when (UTC)"},
                                  {"name"},
                                  {"model"},
                                  {"prompt tok/s", true},
                                  {"tok/s", true},
                                  {"idle % CPU", true},
                                  {"J/token", true},
                                  {"burn"}},
                      .rows = {}};
  ordered_json json = ordered_json::array();
  for (const auto& [id, measurement] : entries) {
    if (!measurement) {
      diagnose("halcyon: {}\n", one_line(measurement.error().message));
      continue;
    }
    table.rows.push_back(row(*measurement));
    json.push_back(entry(*measurement));
  }
  if (as_json)
    std::cout << in_json(json);
  else if (entries.empty())
    std::cout << "No measurements yet: 'halcyon measure' makes one, 'halcyon history import' adds those of "
                 "others.\n";
  else
    std::cout << to_text(table) << "  ~ estimated\n";
  return {};
}

Result<void> show(const std::string& source, bool as_json) {
  TRY(const Measurement m, report::find_measurement(source));
  std::cout << (as_json ? to_text(m) : to_text(report::summary_page(m)));
  return {};
}

Result<void> diff(const std::string& from, const std::string& to, bool as_json) {
  TRY(const Measurement a, report::find_measurement(from));
  TRY(const Measurement b, report::find_measurement(to));
  std::cout << (as_json ? in_json(report::comparison_json(a, b)) : to_text(report::comparison_page(a, b)));
  return {};
}

/// All files are read before the first is added: a mistake in one leaves the history as it is.
Result<void> import(const std::vector<std::string>& files) {
  std::vector<Measurement> measurements;
  for (const std::string& file : files) {
    TRY(Measurement measurement, report::load_measurement(file));
    measurements.push_back(std::move(measurement));
  }
  TRY(History history, History::open());
  for (size_t i = 0; i < files.size(); ++i) {
    auto added = history.add(std::move(measurements[i]));
    if (!added) return std::unexpected(std::move(added.error()).in(files[i]));
    std::cout << added->id << (added->is_new ? "\n" : "  (was there already)\n");
  }
  return {};
}

Result<void> write(const std::string& name, const std::string& path) {
  TRY(const History history, History::open());
  TRY(const Measurement measurement, history.get(name));
  return report::write_atomically(path, to_text(measurement));
}

Result<void> remove(const std::string& name) {
  TRY(History history, History::open());
  TRY(const std::string id, history.find(name));
  CHECK_OK(history.remove(id));
  std::cout << id << " is removed\n";
  return {};
}

constexpr const char* kIdHelp = "The id, its beginning, or 'last'";
constexpr const char* kSourceHelp = "The id, its beginning, 'last', or a measurement.json";

}  // namespace

void add_history(CLI::App& app, Action& chosen) {
  struct Options {
    bool json = false;
    std::string a, b, path;
    std::vector<std::string> files;
  };
  const auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("history", "List, show and compare the measurements made so far");
  command->require_subcommand(0, 1);
  command->add_flag("--json", o->json, "Print JSON");
  command->callback([=, &chosen] {
    if (command->get_subcommands().empty()) chosen = [o] { return list(o->json); };
  });

  CLI::App* sub = command->add_subcommand("show", "What a measurement found");
  sub->add_option("id", o->a, kSourceHelp)->required();
  sub->add_flag("--json", o->json, "Print the document, as described in docs/MEASUREMENT.md");
  sub->callback([=, &chosen] { chosen = [o] { return show(o->a, o->json); }; });

  sub = command->add_subcommand("diff",
                                "Two measurements side by side: what changed, and is it more than noise?");
  sub->add_option("a", o->a, kSourceHelp)->required();
  sub->add_option("b", o->b, "The one to compare with it")->required();
  sub->add_flag("--json", o->json, "Print JSON");
  sub->callback([=, &chosen] { chosen = [o] { return diff(o->a, o->b, o->json); }; });

  sub = command->add_subcommand("import", "Add measurement.json files");
  sub->add_option("file", o->files, "The files")->required();
  sub->callback([=, &chosen] { chosen = [o] { return import(o->files); }; });

  sub = command->add_subcommand("export", "Write a measurement.json file");
  sub->add_option("id", o->a, kIdHelp)->required();
  sub->add_option("-o,--output", o->path, "The file to write")->required();
  sub->callback([=, &chosen] { chosen = [o] { return write(o->a, o->path); }; });

  sub = command->add_subcommand("remove", "Remove a measurement");
  sub->add_option("id", o->a, kIdHelp)->required();
  sub->callback([=, &chosen] { chosen = [o] { return remove(o->a); }; });
}

}  // namespace halcyon::cli
