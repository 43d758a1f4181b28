#include "report/advice_candidate.h"

#include <algorithm>
#include <cmath>

#include "base/quote.h"

namespace halcyon::report {
namespace {

constexpr double kWattsPerCore = 4;  // of an active core, as in the estimate of the energy module

Figure figure(double value, bool measured, std::optional<double> stddev = std::nullopt) {
  return {.value = value, .plus_minus = stddev.value_or(uncertainty(value, measured)), .measured = measured};
}

Figure watts(double value, bool measured) { return measured ? figure(value, true) : estimated_watts(value); }

/// Noise may put an idle server below the machine without it.
double above(double watts, double baseline) { return std::max(0.0, watts - baseline); }

std::optional<Figure> active_watts(const Measurement& m) {
  const Measurement::Energy& energy = m.energy;
  std::optional<double> baseline = energy.idle_watts;
  if (!baseline && !energy.measured && m.protocol.empty()) baseline = 0;  // typed in: of the server alone
  if (energy.active_watts && baseline) return watts(above(*energy.active_watts, *baseline), energy.measured);
  if (energy.j_per_token_above_idle.decode && m.throughput.decode.warm_tps)
    return watts(std::max(0.0, *energy.j_per_token_above_idle.decode * *m.throughput.decode.warm_tps),
                 energy.measured);
  return std::nullopt;
}

std::optional<Figure> idle_watts(const Measurement& m) {
  if (m.energy.server_idle_watts) return watts(std::max(0.0, *m.energy.server_idle_watts), m.energy.measured);
  // Its CPU time is all that it takes only where nothing else could burn.
  const bool cpu_alone =
      (m.burn.cause == "none" || m.burn.cause == "cpu_spin") && !m.energy.measured && m.machine.gpus.empty();
  if (!cpu_alone) return std::nullopt;
  for (const std::optional<IdleWindow>& window : {m.idle.after_generation, m.idle.after_load})
    if (window && window->cpu_percent) return estimated_watts(*window->cpu_percent / 100 * kWattsPerCore);
  return std::nullopt;
}

std::string name_of_target(const Measurement& m) {
  for (const std::string* name : {&m.target.name, &m.target.model, &m.target.url})
    if (!name->empty()) return *name;
  return m.id;
}

/// What to do for the power of the machine without the server.
std::string_view remedy(const Measurement& m) {
  if (m.energy.idle_watts || m.throughput.decode.warm_tps.value_or(0) <= 0) return "measure it again";
  if (!m.energy.measured && !m.energy.source.empty())
    return "measure it again with its process (--pid), or the command that starts it";
  return "stop the server, store what the machine takes without it with 'halcyon power --baseline 60', and "
         "measure it again";
}

}  // namespace

double uncertainty(double value, bool measured) {
  return std::abs(value) * (measured ? kUncertaintyMeasured : kUncertaintyEstimated);
}

Figure estimated_watts(double value) {
  return {.value = value, .plus_minus = std::max(uncertainty(value, false), kLeastUncertainWatts)};
}

bool same_target(const Measurement& a, const Measurement& b) {
  return name_of_target(a) == name_of_target(b) && a.target.dialect == b.target.dialect &&
         a.target.command == b.target.command && (!a.target.command.empty() || a.target.url == b.target.url);
}

Result<Candidate> candidate_from(const Measurement& m) {
  const auto lacks = [&](std::string_view what, std::string_view member) {
    return fail("the measurement {} has no {} ({}): {}, or type the figures into a TOML file",
                m.id.empty() ? "of " + quote(name_of_target(m)) : m.id, what, member, remedy(m));
  };
  const Measurement::Throughput::Decode& decode = m.throughput.decode;
  if (!decode.warm_tps || !(*decode.warm_tps > 0))
    return lacks("warm generation rate", "throughput.decode.warm_tps");
  const std::optional<Figure> active = active_watts(m), idle = idle_watts(m);
  if (!active) return lacks("power while generating", "energy.active_watts and energy.idle_watts");
  if (!idle) return lacks("power while idle", "energy.server_idle_watts");

  Candidate c{.name = name_of_target(m),
              .origin = m.id,
              .target = m.target.command.empty() ? "--url " + m.target.url : "-- " + m.target.command,
              .decode_tps = figure(*decode.warm_tps, true,
                                   decode.warm.size() > 1 ? decode.warm_stddev_tps : std::nullopt),
              .active_watts = *active,
              .idle_watts = *idle,
              .burn_cause = m.burn.cause,
              .versions = m.versions};
  for (const Rates& rates : m.throughput.prefill)
    if (rates.tokens > 0 && rates.median_tps && *rates.median_tps > 0)
      c.prefill.push_back({rates.tokens, figure(*rates.median_tps, true,
                                                rates.tps.size() > 1 ? rates.stddev_tps : std::nullopt)});
  if (const auto joules = m.energy.j_per_token_above_idle.prefill)
    c.prefill_j_per_token = figure(std::max(0.0, *joules), m.energy.measured);
  if (m.load_seconds && *m.load_seconds > 0) c.load_seconds = figure(*m.load_seconds, true);
  return c;
}

std::vector<VersionChange> changes_since(const Candidate& candidate,
                                         const std::map<std::string, std::string>& current_versions) {
  std::map<std::string, std::string> known = current_versions;
  known.insert(candidate.newest_versions.begin(), candidate.newest_versions.end());
  std::vector<VersionChange> changes;
  for (const auto& [name, then] : candidate.versions)
    if (const auto now = known.find(name); now != known.end() && now->second != then)
      changes.push_back({name, then, now->second});
  return changes;
}

}  // namespace halcyon::report
