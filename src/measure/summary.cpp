#include "measure/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "base/quote.h"

namespace halcyon::measure {
namespace {

using report::Measurement;

/// Lines of "label   text".
class Lines {
 public:
  void add(std::string_view label, std::string_view text) {
    if (!text.empty()) fmt::format_to(std::back_inserter(text_), "{:<24}{}\n", label, text);
  }
  void blank() { text_ += '\n'; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// What is known, with commas between.
class Parts {
 public:
  template <class T>
  Parts& add(fmt::format_string<const T&> format, const std::optional<T>& value) {
    if (value) parts_.push_back(fmt::format(format, *value));
    return *this;
  }
  Parts& add(std::string text) {
    if (!text.empty()) parts_.push_back(std::move(text));
    return *this;
  }
  std::string text() const { return fmt::format("{}", fmt::join(parts_, ", ")); }

 private:
  std::vector<std::string> parts_;
};

std::string tokens_per_second(std::optional<double> tps, std::optional<double> deviation) {
  if (!tps) return "";
  return deviation ? fmt::format("{:.2f} ± {:.2f} t/s", *tps, *deviation) : fmt::format("{:.2f} t/s", *tps);
}

std::string watts(std::optional<double> watts, bool measured) {
  return watts ? fmt::format("{:.2f} W{}", *watts, measured ? "" : " (estimated)") : "";
}

std::string idle(const std::optional<report::IdleWindow>& window, bool measured) {
  if (!window) return "";
  const std::optional<double> megabytes =
      window->rss_bytes ? std::optional(static_cast<double>(*window->rss_bytes) * 1e-6) : std::nullopt;
  return Parts()
      .add("{:.2f} % CPU", window->cpu_percent)
      .add("{:.1f} wake-ups/s", window->wakeups_per_second)
      .add("{:.0f} MB", megabytes)
      .add("GPU {:.0f} % busy", window->gpu_busy_percent)
      .add("{:.0f} MHz", window->gpu_clock_mhz)
      .add(watts(window->watts, measured))
      .text();
}

void add_throughput(Lines& lines, const Measurement::Throughput& throughput) {
  for (const report::Rates& rates : throughput.prefill)
    lines.add(fmt::format("prompt, {} tokens", rates.tokens),
              Parts().add(tokens_per_second(rates.median_tps, rates.stddev_tps)).add(rates.note).text());
  const Measurement::Throughput::Decode& decode = throughput.decode;
  lines.add("generation, cold", tokens_per_second(decode.cold_tps, std::nullopt));
  lines.add("generation, warm", Parts()
                                    .add(tokens_per_second(decode.warm_tps, decode.warm_stddev_tps))
                                    .add(decode.warm_tps ? fmt::format("{} tokens", decode.tokens) : "")
                                    .add("{:.0f} % CPU", decode.cpu_percent)
                                    .add("the server says {:.2f} t/s", decode.server_tps)
                                    .text());
}

void add_energy(Lines& lines, const Measurement::Energy& energy) {
  const std::string figures = Parts()
                                  .add("{:.4g} J per generated token", energy.j_per_token.decode)
                                  .add("{:.4g} J per token of a prompt", energy.j_per_token.prefill)
                                  .add("{:.3g} W while it generates", energy.active_watts)
                                  .add("{:.3g} W more than without it while idle", energy.server_idle_watts)
                                  .text();
  if (figures.empty()) return;
  lines.add(energy.measured ? "energy" : "energy (estimated)", figures);
  lines.add("", energy.source);
}

void add_burn(Lines& lines, const Measurement::Burn& burn) {
  if (burn.cause.empty()) return;
  lines.add("burn", burn.cause);
  for (const std::string& sentence : burn.evidence) lines.add("", sentence);
  for (const std::string& sentence : burn.advice) lines.add("", "- " + sentence);
}

}  // namespace

std::string summary(const Measurement& m) {
  Lines lines;
  const auto server = m.versions.find("server");
  lines.add(m.target.name.empty() ? "a server" : quote(m.target.name),
            fmt::format("{}{}{}, {} protocol", m.target.url,
                        m.target.dialect.empty() ? "" : ", " + m.target.dialect,
                        server == m.versions.end() ? "" : ", " + quote(server->second), m.protocol));
  lines.blank();
  lines.add("load", m.load_seconds ? fmt::format("{:.2f} s", *m.load_seconds) : "");
  lines.add("idle after load", idle(m.idle.after_load, m.energy.measured));
  lines.add("idle after generation", idle(m.idle.after_generation, m.energy.measured));
  add_throughput(lines, m.throughput);
  add_energy(lines, m.energy);
  add_burn(lines, m.burn);
  for (const report::Task& task : m.tasks)
    lines.add(fmt::format("task: {}", task.name),
              task.error.empty()
                  ? Parts()
                        .add("{:.2f} t/s", task.tps)
                        .add(fmt::format("{} tokens in {:.1f} s", task.generated_tokens, task.seconds))
                        .text()
                  : "failed: " + task.error);
  for (const std::string& problem : m.problems) lines.add("problem", problem);
  return lines.take();
}

}  // namespace halcyon::measure
