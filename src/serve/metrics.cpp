#include "serve/metrics.h"

#include <time.h>

#include "energy/meter.h"

namespace halcyon::serve {
namespace {

/// A label's value: backslash, quote and newline are escaped.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

class Writer {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  }
  void value(std::string_view name, std::string_view labels, double x) {
    text += labels.empty() ? fmt::format("{} {}\n", name, x) : fmt::format("{}{{{}}} {}\n", name, labels, x);
  }
  std::string text;
};

struct Family {
  std::string_view name, type, help;
  std::function<double(const ModelStore::State&)> value;
};

double busy_slots(const ModelStore::State& state) {
  double busy = 0;
  if (state.stats)
    for (const engine::Stats::Slot& slot : state.stats->slots) busy += slot.request != 0 ? 1 : 0;
  return busy;
}

/// A figure of the engine; 0 while the model is not loaded.
template <class T>
std::function<double(const ModelStore::State&)> of_engine(T engine::Stats::*member) {
  return [member](const ModelStore::State& state) {
    return state.stats ? static_cast<double>((*state.stats).*member) : 0;
  };
}

const std::vector<Family>& families() {
  using engine::Stats;
  static const std::vector<Family> all = {
      {"halcyon_model_loaded", "gauge", "1 while the model is in memory",
       [](const ModelStore::State& s) { return s.loaded ? 1.0 : 0.0; }},
      {"halcyon_model_weight_bytes", "gauge", "Memory of the model's weights",
       [](const ModelStore::State& s) { return static_cast<double>(s.weight_bytes); }},
      {"halcyon_requests_total", "counter", "Requests that the engine has ended",
       of_engine(&Stats::requests)},
      {"halcyon_requests_processing", "gauge", "Requests in work", busy_slots},
      {"halcyon_requests_waiting", "gauge", "Requests without a slot", of_engine(&Stats::waiting)},
      {"halcyon_prompt_tokens_total", "counter", "Prompt tokens evaluated", of_engine(&Stats::prompt_tokens)},
      {"halcyon_cached_tokens_total", "counter", "Prompt tokens reused from earlier requests",
       of_engine(&Stats::cached_tokens)},
      {"halcyon_predicted_tokens_total", "counter", "Tokens generated", of_engine(&Stats::predicted_tokens)},
      {"halcyon_prompt_seconds_total", "counter", "Time of steps spent on prompts",
       of_engine(&Stats::prompt_seconds)},
      {"halcyon_predicted_seconds_total", "counter", "Time of steps spent on generation",
       of_engine(&Stats::predicted_seconds)},
      {"halcyon_model_cpu_seconds_total", "counter", "CPU time of all threads in the model's steps",
       of_engine(&Stats::cpu_seconds)},
      {"halcyon_steps_total", "counter", "Steps of the model", of_engine(&Stats::steps)},
      {"halcyon_step_sequences_total", "counter", "Requests in these steps, added up",
       of_engine(&Stats::sequences_in_steps)},
      {"halcyon_kept_sequences", "gauge", "Finished sequences kept for prompts that begin like them",
       of_engine(&Stats::kept_sequences)},
  };
  return all;
}

void write_energy(Writer& out, energy::Ledger& ledger) {
  const energy::Ledger::Totals totals = ledger.totals();
  const auto& sensors = ledger.meter().sensors();
  out.family("halcyon_energy_joules_total", "counter",
             "Energy by what it was used for; estimated=\"true\" where nothing measures it");
  for (const auto& [key, joules] : totals.joules) {
    const energy::SensorInfo& sensor = sensors[key.first];
    out.value("halcyon_energy_joules_total",
              fmt::format("domain=\"{}\",phase=\"{}\",estimated=\"{}\"", label(sensor.name),
                          energy::name_of(key.second), !sensor.measured),
              joules);
  }
  out.family("halcyon_energy_above_idle_joules_total", "counter",
             "The same of all domains, less what the idle machine would have used");
  const bool estimated = !ledger.measured();
  for (const auto& [phase, total] : totals.phases)
    if (total.joules.above_idle)
      out.value("halcyon_energy_above_idle_joules_total",
                fmt::format("phase=\"{}\",estimated=\"{}\"", energy::name_of(phase), estimated),
                *total.joules.above_idle);
  out.family("halcyon_energy_seconds_total", "counter", "Time by what it was used for");
  for (const auto& [phase, total] : totals.phases)
    out.value("halcyon_energy_seconds_total", fmt::format("phase=\"{}\"", energy::name_of(phase)),
              total.seconds);
  if (!totals.idle_watts) return;
  out.family("halcyon_idle_watts", "gauge", "Power of the idle machine");
  out.value("halcyon_idle_watts", "", *totals.idle_watts);
}

}  // namespace

std::string write_metrics(const Metrics& metrics, const ModelStore& models, energy::Ledger* ledger) {
  Writer out;
  std::vector<ModelStore::State> states;
  for (size_t i = 0; i < models.size(); ++i) states.push_back(models.state(i));
  for (const Family& family : families()) {
    out.family(family.name, family.type, family.help);
    for (size_t i = 0; i < states.size(); ++i)
      out.value(family.name, fmt::format("model=\"{}\"", label(models.info(i).name)),
                family.value(states[i]));
  }
  out.family("halcyon_http_answers_total", "counter", "Answers by the class of their status");
  for (size_t digit = 2; digit < metrics.answers.size(); ++digit)
    out.value("halcyon_http_answers_total", fmt::format("status=\"{}xx\"", digit),
              static_cast<double>(metrics.answers[digit].load()));
  if (metrics.connections) {
    out.family("halcyon_http_connections", "gauge", "Open connections");
    out.value("halcyon_http_connections", "", static_cast<double>(metrics.connections()));
  }
  if (ledger) write_energy(out, *ledger);
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  out.family("process_cpu_seconds_total", "counter", "CPU time of the process");
  out.value("process_cpu_seconds_total", "",
            static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9);
  return std::move(out.text);
}

}  // namespace halcyon::serve
