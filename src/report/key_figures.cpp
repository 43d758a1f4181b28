#include "report/key_figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "report/format.h"

namespace halcyon::report {
namespace {

using OptionalSecond = std::optional<double> IdleWindow::Second::*;

/// How much the seconds of a window differ from each other.
std::optional<double> deviation(const IdleWindow& window, OptionalSecond member) {
  std::vector<double> values;
  for (const IdleWindow::Second& second : window.series)
    if (second.*member) values.push_back(*(second.*member));
  if (values.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value;
  for (const double value : values) squares += (value - sum / n) * (value - sum / n);
  return std::sqrt(squares / (n - 1));
}

std::optional<double> as_double(std::optional<uint64_t> n) {
  return n ? std::optional(static_cast<double>(*n)) : std::nullopt;
}

/// Collects the figures of one measurement.
class Figures {
 public:
  Figures(const Measurement& m, std::span<const PromptSize> sizes) : m_(m), sizes_(sizes) {}

  std::vector<KeyFigure> all() && {
    add("time to load", Unit::seconds, m_.load_seconds);
    rates();
    window("after the load", m_.idle.after_load);
    window("after a generation", m_.idle.after_generation);
    memory();
    energy();
    return std::move(figures_);
  }

 private:
  KeyFigure& add(std::string name, Unit unit, std::optional<double> value,
                 std::optional<double> deviation = std::nullopt) {
    const bool estimated = !m_.energy.measured && (unit == Unit::joules || unit == Unit::watts);
    return figures_.emplace_back(
        KeyFigure{std::move(name), unit, unit == Unit::rate, value, deviation, estimated});
  }

  void rates() {
    for (const PromptSize& size : sizes_) {
      const Rates* rates = prefill_of(m_, size);
      add(name_of(size), Unit::rate, rates ? rates->median_tps : std::nullopt,
          rates ? rates->stddev_tps : std::nullopt);
    }
    const Measurement::Throughput::Decode& decode = m_.throughput.decode;
    add("generation, cold", Unit::rate, decode.cold_tps);
    add("generation, warm", Unit::rate, decode.warm_tps, decode.warm_stddev_tps);
    add("CPU while generating", Unit::percent, decode.cpu_percent);
  }

  void window(const std::string& when, const std::optional<IdleWindow>& window) {
    const IdleWindow w = window.value_or(IdleWindow());
    using Second = IdleWindow::Second;
    add("idle " + when + ": CPU", Unit::percent, w.cpu_percent, deviation(w, &Second::cpu_percent));
    add("idle " + when + ": wake-ups", Unit::per_second, w.wakeups_per_second,
        deviation(w, &Second::wakeups_per_second));
    add("idle " + when + ": GPU busy", Unit::percent, w.gpu_busy_percent,
        deviation(w, &Second::gpu_busy_percent));
    add("idle " + when + ": machine", Unit::watts, w.watts, deviation(w, &Second::watts));
  }

  void memory() {
    const Measurement::Memory& memory = m_.memory;
    add("memory before the load", Unit::bytes, as_double(memory.rss_before_load));
    add("memory after the load", Unit::bytes, as_double(memory.rss_after_load));
    add("memory at most", Unit::bytes, as_double(memory.rss_peak));
    add("GPU memory in use (VRAM)", Unit::bytes, as_double(memory.vram_used));
    add("GPU memory in use (GTT)", Unit::bytes, as_double(memory.gtt_used));
  }

  void energy() {
    const Measurement::Energy& energy = m_.energy;
    add("energy, prompt", Unit::joules, energy.j_per_token.prefill);
    add("energy, generation", Unit::joules, energy.j_per_token.decode);
    add("energy, prompt, above idle", Unit::joules, energy.j_per_token_above_idle.prefill);
    add("energy, generation, above idle", Unit::joules, energy.j_per_token_above_idle.decode);
    add("machine without the server", Unit::watts, energy.idle_watts);
    add("machine while generating", Unit::watts, energy.active_watts);
    add("the idle server adds", Unit::watts, energy.server_idle_watts);
  }

  const Measurement& m_;
  std::span<const PromptSize> sizes_;
  std::vector<KeyFigure> figures_;
};

}  // namespace

std::string_view name_of(Unit unit) {
  static constexpr std::array<std::string_view, 7> kNames{"tok/s", "%", "1/s", "s", "bytes", "J/token", "W"};
  return kNames[static_cast<size_t>(unit)];
}

std::string name_of(const PromptSize& size) {
  if (size.least == size.most) return fmt::format("prompt of {} tokens", size.least);
  return fmt::format("prompt of {} to {} tokens", size.least, size.most);
}

std::vector<PromptSize> prompt_sizes(std::span<const Measurement> measurements) {
  constexpr double kAlike = 1.3;
  std::vector<std::pair<int, size_t>> all;  // tokens, and whose
  for (size_t i = 0; i < measurements.size(); ++i)
    for (const Rates& rates : measurements[i].throughput.prefill) all.emplace_back(rates.tokens, i);
  std::ranges::sort(all);
  const auto dropped = std::ranges::unique(all);
  all.erase(dropped.begin(), dropped.end());

  std::vector<PromptSize> sizes;
  std::set<size_t> members;
  for (const auto& [tokens, whose] : all) {
    if (sizes.empty() || tokens > kAlike * sizes.back().least || members.contains(whose)) {
      sizes.push_back({tokens, tokens});
      members.clear();
    }
    sizes.back().most = tokens;
    members.insert(whose);
  }
  return sizes;
}

const Rates* prefill_of(const Measurement& measurement, const PromptSize& size) {
  for (const Rates& rates : measurement.throughput.prefill)
    if (rates.tokens >= size.least && rates.tokens <= size.most) return &rates;
  return nullptr;
}

std::vector<KeyFigure> key_figures(const Measurement& measurement, std::span<const PromptSize> sizes) {
  return Figures(measurement, sizes).all();
}

std::string in_words(const KeyFigure& figure) {
  if (!figure.value) return "not measured";
  if (figure.unit == Unit::bytes) return in_bytes(static_cast<uint64_t>(*figure.value));
  return fmt::format("{}{} {}", figure.is_estimated ? "~" : "", digits(*figure.value, figure.deviation),
                     name_of(figure.unit));
}

std::string name_of(const Measurement& measurement) {
  for (const std::string* name :
       {&measurement.target.name, &measurement.target.model, &measurement.target.url})
    if (!name->empty()) return *name;
  return measurement.id.empty() ? "no name" : measurement.id;
}

std::string when(const Measurement& measurement) {
  std::string text = measurement.started_at.substr(0, 16);
  std::ranges::replace(text, 'T', ' ');
  return text;
}

std::vector<std::string> names_of(std::span<const Measurement> measurements) {
  std::vector<std::string> names;
  for (const Measurement& m : measurements) {
    const bool shared =
        std::ranges::count(measurements, name_of(m), [](const auto& o) { return name_of(o); }) > 1;
    const std::string name = shared ? fmt::format("{}, {}", name_of(m), when(m)) : name_of(m);
    std::string unique = name;
    for (int n = 2; std::ranges::find(names, unique) != names.end(); ++n)
      unique = fmt::format("{} ({})", name, n);
    names.push_back(unique);
  }
  return names;
}

const Rates* typical_prefill(const Measurement& measurement) {
  const auto distance = [](const Rates& rates) { return std::abs(rates.tokens - 512); };
  const Rates* best = nullptr;
  for (const Rates& rates : measurement.throughput.prefill)
    if (rates.median_tps && (best == nullptr || distance(rates) < distance(*best))) best = &rates;
  return best;
}

const IdleWindow* typical_idle(const Measurement& measurement) {
  const Measurement::Idle& idle = measurement.idle;
  return idle.after_generation ? &*idle.after_generation : idle.after_load ? &*idle.after_load : nullptr;
}

}  // namespace halcyon::report
