#include "cli/power_output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace halcyon::cli {
namespace {

constexpr double kJoulesPerWh = 3600;

std::string now_utc() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

/// "~4.00" if it is an estimate.
std::string figure(const Flow& flow, std::optional<double> value) {
  return value ? fmt::format("{}{:.2f}", flow.measured ? "" : "~", *value) : "-";
}

std::vector<Flow> flows(const Stretch& stretch) {
  std::vector<Flow> all = stretch.sensors;
  all.push_back(stretch.machine);
  return all;
}

}  // namespace

Stretch stretch_between(const energy::Meter& meter, const energy::Reading& from, const energy::Reading& to,
                        double machine_joules) {
  Stretch stretch;
  stretch.at = now_utc();
  stretch.seconds = std::chrono::duration<double>(to.at - from.at).count();
  const auto mean = [&stretch](double joules) {
    return stretch.seconds > 0 ? std::optional(joules / stretch.seconds) : std::nullopt;
  };
  Flow& machine = stretch.machine;
  machine.name = "machine";
  machine.measured = meter.measured();
  machine.joules = machine_joules;
  machine.watts = mean(machine_joules);
  for (size_t i = 0; i < meter.sensors().size(); ++i) {
    const energy::SensorInfo& info = meter.sensors()[i];
    const bool billed = std::ranges::find(meter.billed(), i) != meter.billed().end();
    if (!info.measured && !billed) continue;
    const double joules = to.joules[i] - from.joules[i];
    const bool known = to.watts[i] || joules > 0;
    stretch.sensors.push_back({.name = info.name,
                               .source = info.source,
                               .domain = std::string(energy::name_of(info.domain)),
                               .measured = info.measured,
                               .billed = billed,
                               .watts = known ? mean(joules) : std::nullopt,
                               .joules = joules});
    if (!billed) continue;
    if (!known) machine.watts.reset();
    machine.source += (machine.source.empty() ? "" : " + ") + info.name;
  }
  return stretch;
}

std::string to_table(const Stretch& now, const Stretch& total) {
  std::string text = fmt::format("{:<12}{:>10}{:>13}   after {:.1f} s\n", "", "W", "J", total.seconds);
  const std::vector<Flow> current = flows(now), sums = flows(total);
  for (size_t i = 0; i < std::min(current.size(), sums.size()); ++i)
    text += fmt::format("{:<12}{:>10}{:>13}   {}\n", current[i].name, figure(current[i], current[i].watts),
                        figure(current[i], sums[i].joules), current[i].source);
  return text;
}

std::string to_line(const Stretch& now) {
  std::string text = now.at;
  for (const Flow& flow : flows(now)) text += fmt::format("  {} {} W", flow.name, figure(flow, flow.watts));
  return text + (now.machine.measured ? "\n" : "  (~ estimated)\n");
}

std::string to_legend(const Stretch& now) {
  std::string text;
  for (const Flow& flow : flows(now)) text += fmt::format("# {}: {}\n", flow.name, flow.source);
  return text;
}

std::string to_summary(const Stretch& total) {
  std::string text =
      fmt::format("{:<12}{:>10}{:>13}{:>12}   in {:.1f} s\n", "", "mean W", "J", "Wh", total.seconds);
  for (const Flow& flow : flows(total)) {
    const std::string wh = fmt::format("{}{:.4f}", flow.measured ? "" : "~", flow.joules / kJoulesPerWh);
    text += fmt::format("{:<12}{:>10}{:>13}{:>12}   {}\n", flow.name, figure(flow, flow.watts),
                        figure(flow, flow.joules), wh, flow.source);
  }
  return text;
}

nlohmann::ordered_json to_json(const Stretch& stretch) {
  using nlohmann::ordered_json;
  const auto figures = [](const Flow& flow) {
    return ordered_json{{"watts", flow.watts ? ordered_json(*flow.watts) : ordered_json()},
                        {"joules", flow.joules},
                        {"wh", flow.joules / kJoulesPerWh},
                        {"measured", flow.measured},
                        {"source", flow.source}};
  };
  ordered_json json = {{"at", stretch.at}, {"seconds", stretch.seconds}};
  json.update(figures(stretch.machine));
  json["sensors"] = ordered_json::array();
  for (const Flow& flow : stretch.sensors) {
    ordered_json sensor = {{"name", flow.name}, {"domain", flow.domain}, {"billed", flow.billed}};
    sensor.update(figures(flow));
    json["sensors"].push_back(std::move(sensor));
  }
  return json;
}

}  // namespace halcyon::cli
