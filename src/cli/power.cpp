// halcyon power: what the machine takes, live, and the baseline of what it takes while it is idle.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>

#include "base/quantity.h"
#include "base/quote.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/diagnostics.h"
#include "cli/ledger.h"
#include "cli/numbers.h"
#include "cli/power_output.h"
#include "energy/baseline.h"

namespace halcyon::cli {
namespace {

using energy::Clock;
using std::chrono::milliseconds;

constexpr double kIdlePercent = 5;  // CPU time that an idle machine may use

struct PowerOptions {
  PowerConstants constants;
  std::string interval = "1s";
  uint64_t count = 0;     ///< of samples; 0: until Ctrl-C
  uint64_t baseline = 0;  ///< seconds; 0: watch
  bool json = false;
  std::string root;  ///< empty: the real one
};

/// From 50 ms to an hour.
std::optional<milliseconds> parse_interval(std::string_view text) {
  const std::optional<milliseconds> time = parse_duration(text);
  return time && *time >= milliseconds(50) && *time <= std::chrono::hours(1) ? time : std::nullopt;
}

Result<void> write(const std::string& text) {
  errno = EIO;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return fail("cannot write standard output: {}", std::generic_category().message(errno));
  return {};
}

energy::Meter open_meter(const PowerOptions& options) {
  energy::SensorOptions sensors;
  if (!options.root.empty()) {
    sensors.root = SystemRoot(options.root);
    sensors.nvml_library.clear();
  }
  use(options.constants, sensors);
  sensors.cpu = energy::machine_cpu_clock(sensors.root);
  sensors.parts = true;
  energy::Meter meter = energy::Meter::open(sensors);
  for (const std::string& hint : meter.hints()) diagnose("halcyon: {}\n", one_line(hint));
  return meter;
}

/// Shows samples as they come.
class Display {
 public:
  explicit Display(bool json) : json_(json) {
    const char* term = std::getenv("TERM");
    redraw_ = !json && ::isatty(STDOUT_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
  }

  Result<void> show(const Stretch& now, const Stretch& total) {
    if (json_) return write(to_json(now).dump() + "\n");
    if (redraw_) {
      const std::string table = to_table(now, total);
      // Back to the first line of the last table, and without wrapping, so that a line is one row.
      const std::string back = rows_ > 0 ? fmt::format("\x1b[{}F\x1b[J", rows_) : "";
      rows_ = std::ranges::count(table, '\n');
      return write(back + "\x1b[?7l" + table + "\x1b[?7h");
    }
    const std::string legend = to_legend(now);
    const bool changed = legend != legend_;
    legend_ = legend;
    return write((changed ? legend : "") + to_line(now));
  }

  Result<void> finish(const Stretch& total) const {
    if (json_) return write(nlohmann::ordered_json{{"summary", to_json(total)}}.dump() + "\n");
    return write("\n" + to_summary(total));
  }

 private:
  bool json_, redraw_;
  std::ptrdiff_t rows_ = 0;
  std::string legend_;
};

Result<void> watch(const PowerOptions& options) {
  const CaughtSignals end = {SIGINT, SIGTERM};
  const milliseconds interval = *parse_interval(options.interval);
  energy::Meter meter = open_meter(options);
  Display display(options.json);
  const energy::Reading first = meter.read();
  energy::Reading last = first;
  double joules = 0;  // of the machine, since the first
  Clock::time_point next = first.at;
  bool interrupted = false;
  for (uint64_t n = 0; !interrupted && (options.count == 0 || n < options.count); ++n) {
    next = std::max(next + interval, Clock::now());  // after a suspension not all at once
    interrupted = end.wait_until(next);
    energy::Reading now = meter.read();
    const double used = meter.billed_joules(last, now);
    joules += used;
    if (!interrupted)
      CHECK_OK(
          display.show(stretch_between(meter, last, now, used), stretch_between(meter, first, now, joules)));
    last = std::move(now);
  }
  return display.finish(stretch_between(meter, first, last, joules));
}

/// Measures the idle machine, and stores what it takes.
Result<void> measure_baseline(const PowerOptions& options) {
  const CaughtSignals end = {SIGINT, SIGTERM};
  energy::Meter meter = open_meter(options);
  const std::string source = meter.measured_source();
  if (source.empty())
    return fail(
        "nothing on this machine measures power: the baseline of an estimate is 0 W by definition, and "
        "nothing is to be stored");
  const auto seconds = static_cast<double>(options.baseline);
  diagnose("halcyon: measuring the idle machine for {} s with {}: leave it alone\n", seconds, source);
  const SystemRoot root = options.root.empty() ? SystemRoot() : SystemRoot(options.root);
  const energy::CpuClock cpu = energy::machine_cpu_clock(root);
  const double busy_before = cpu.seconds();
  const energy::Reading first = meter.read();
  energy::Reading last = first;
  for (uint64_t second = 1; second <= options.baseline; ++second) {
    if (end.wait_until(first.at + std::chrono::seconds(second)))
      return fail("interrupted: nothing was stored");
    last = meter.read();
  }
  const double passed = std::chrono::duration<double>(last.at - first.at).count();
  const double cores = static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN));
  const double busy = 100 * (cpu.seconds() - busy_before) / (passed * cores);
  if (busy > kIdlePercent)
    return fail(
        "the machine was not idle: {:.1f} % of its CPU time was used, at most {:g} % is idle; nothing was "
        "stored: see with top what is at work, and try again",
        busy, kIdlePercent);
  if (meter.measured_source() != source)
    return fail("a sensor came or went meanwhile; nothing was stored: try again");
  const double watts = meter.measured_joules(first, last) / passed;
  TRY(const std::filesystem::path path, energy::save_baseline(meter, watts, passed, root));
  if (options.json)
    return write(nlohmann::ordered_json{{"watts", watts},
                                        {"seconds", passed},
                                        {"source", source},
                                        {"cpu_busy_percent", busy},
                                        {"file", path.string()}}
                     .dump() +
                 "\n");
  return write(fmt::format("idle: {:.2f} W over {:.0f} s ({}), {:.1f} % of the CPU time used; stored in {}\n",
                           watts, passed, source, busy, path.string()));
}

}  // namespace

void add_power(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<PowerOptions>();
  CLI::App* command =
      app.add_subcommand("power", "Show live what power the machine takes, and where it goes");
  command->add_option("--interval", options->interval, "Time between samples: 500ms, 1s, 1m")
      ->type_name("TIME")
      ->check(
          [](const std::string& text) {
            return parse_interval(text) ? "" : fmt::format("'{}' is not a time from 50ms to 60m", text);
          },
          "")
      ->capture_default_str();
  CLI::Option* count =
      command->add_option("-n,--count", options->count, "End after so many samples (default: on Ctrl-C)")
          ->type_name("N")
          ->check(between<uint64_t>(1, 1'000'000'000));
  command->add_flag("--json", options->json,
                    "Print one JSON document per line: samples, and a summary at the end");
  add_power_constants(*command, options->constants);
  command
      ->add_option(
          "--baseline", options->baseline,
          "Measure the idle machine for so long, such as 60, and store what it takes: it is deducted "
          "where joules above idle are shown")
      ->type_name("SECONDS")
      ->check(between<uint64_t>(1, 86'400))
      ->excludes(count);
  command->add_option("--root", options->root, "Where proc and sys are (for tests)")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory.description(""));
  command->callback([options, &chosen] {
    chosen = [options] { return options->baseline > 0 ? measure_baseline(*options) : watch(*options); };
  });
}

}  // namespace halcyon::cli
