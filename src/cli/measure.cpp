// halcyon measure: what one server costs, by running it through a protocol.
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stop_token>

#include "base/quote.h"
#include "cli/command.h"
#include "cli/diagnostics.h"
#include "cli/interrupt.h"
#include "cli/ledger.h"
#include "cli/numbers.h"
#include "cli/status_line.h"
#include "measure/dialect.h"
#include "measure/protocol.h"
#include "measure/summary.h"
#include "probe/process_tree.h"
#include "report/history.h"
#include "report/output_file.h"
#include "serve/api_keys.h"

namespace halcyon::cli {
namespace {

namespace fs = std::filesystem;

struct MeasureLine {
  measure::MeasureOptions options;
  std::string url, protocol = "quick", folder, api_key_file;
  PowerConstants power;
  double timeout = 300;
  bool json = false;
};

/// On a terminal one line that changes, elsewhere a line for each phase and each problem.
class ProgressLine {
 public:
  void phase(const std::string& what) {
    phase_ = what;
    if (line_.is_shown())
      line_.show(phase_);
    else
      diagnose("{}\n", one_line(what));
  }
  void tick(const std::string& how_far) { line_.show(phase_ + ": " + how_far); }
  void problem(const std::string& what) {
    line_.clear();
    diagnose("halcyon: {}\n", one_line(what));
  }

 private:
  StatusLine line_;
  std::string phase_;
};

bool has_figures(const report::Measurement& m) {
  return m.idle.before || m.idle.after_load || m.load_seconds || m.throughput.decode.cold_tps;
}

Result<void> resolve(MeasureLine& line) {
  measure::MeasureOptions& options = line.options;
  if (line.url.empty() && options.command.empty())
    return fail(
        "nothing to measure: give the address of a server with --url, or a command that starts one after --");
  if (!options.command.empty() && options.pid) return fail("--pid is for a server that runs already");
  if (options.pid) CHECK_OK(probe::ProcessTree::open(*options.pid));
  if (!line.url.empty()) {
    TRY(options.url, measure::parse_url(line.url));
  }
  if (!line.api_key_file.empty()) {
    TRY(const std::vector<std::string> keys, serve::read_api_keys(line.api_key_file));
    options.api_key = keys.front();
  }
  options.full = line.protocol == "full";
  options.timeout = std::chrono::milliseconds(static_cast<int64_t>(line.timeout * 1000));
  options.recorder.watts_per_core = line.power.watts_per_core;
  options.recorder.gpu_watts = line.power.gpu_watts;
  return {};
}

void add_to_history(const report::Measurement& document) {
  Result<report::History> history = report::History::open();
  if (const auto added = history ? history->add(document) : forward_error(history); !added)
    diagnose("halcyon: warning: not kept in the history: {}\n", one_line(added.error().message));
}

/// Runs the protocol; the document is on the disk from the beginning and after every phase. Fails if the last
/// state of it could not be written there.
Result<void> run_protocol(const measure::MeasureOptions& options, report::Measurement& document,
                          const fs::path& file, const std::stop_token& stop) {
  const auto save = [&file](const report::Measurement& m) {
    return report::write_atomically(file, report::to_text(m));
  };
  CHECK_OK(save(document));
  ProgressLine progress;
  Result<void> saved;
  const measure::Observer observer = {
      .phase = [&](const std::string& what) { progress.phase(what); },
      .tick = [&](const std::string& how_far) { progress.tick(how_far); },
      .problem = [&](const std::string& what) { progress.problem(what); },
      .changed =
          [&](const report::Measurement& m) {
            Result<void> now = save(m);
            if (!now && saved)
              progress.problem(now.error().message);  // once; the file has what it had before
            saved = std::move(now);
          },
  };
  document = measure::measure(options, std::move(document), observer, stop);
  return saved;
}

/// A folder for this measurement, and not with another one that nobody could get back.
Result<void> make_folder(const fs::path& folder, const fs::path& file) {
  if (const auto other = report::load_measurement(file); other && other->complete)
    return fail("{} has the complete measurement {}: give another folder with -o", folder.string(),
                other->id);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail("{}: {}", folder.string(), error.message());
  return {};
}

Result<void> measure_server(MeasureLine& line) {
  CHECK_OK(resolve(line));
  signal(SIGPIPE, SIG_IGN);  // servers come and go
  auto interrupt = std::make_unique<Interrupt>();
  measure::MeasureOptions& options = line.options;
  report::Measurement document = measure::new_document(options);
  const fs::path folder = line.folder.empty() ? "halcyon-measurement-" + document.id : line.folder;
  options.log = folder / "server.log";
  const fs::path file = folder / "measurement.json";
  CHECK_OK(make_folder(folder, file));
  const Result<void> saved = run_protocol(options, document, file, interrupt->token());
  if (!saved && !has_figures(document)) return saved;
  if (has_figures(document)) add_to_history(document);
  fmt::print("{}", line.json ? report::to_text(document) : measure::summary(document));
  if (!line.json) fmt::print("\n{}\n", file.string());
  if (const int signal = interrupt->signal()) {
    interrupt.reset();
    std::exit(128 + signal);  // as a shell says it
  }
  CHECK_OK(saved);
  if (!document.complete) return fail("the measurement is not complete: {}", document.problems.back());
  return {};
}

}  // namespace

void add_measure(CLI::App& app, Action& chosen) {
  auto line = std::make_shared<MeasureLine>();
  measure::MeasureOptions& options = line->options;
  CLI::App* command =
      app.add_subcommand("measure", "Find out what a server costs: throughput, idle burn and energy");
  command->add_option("--url", line->url, "Address of the server, such as http://127.0.0.1:8080");
  command->add_option("--pid", options.pid, "Its process; without it the one that listens there")
      ->check(between<pid_t>(1, std::numeric_limits<pid_t>::max()))
      ->type_name("PID");
  command->add_option("command", options.command, "After --: starts the server; {port} becomes a free port")
      ->type_name("COMMAND");
  command->add_option("--model", options.model,
                      "The model to ask for; without it the only one, or the loaded one");
  command->add_option("--name", options.name, "What to call the measurement");
  command->add_option("--protocol", line->protocol, "quick takes minutes, full an hour on slow machines")
      ->check(CLI::IsMember({"quick", "full"}))
      ->capture_default_str();
  std::vector<std::string> dialects = measure::dialect_names();
  dialects.insert(dialects.begin(), "auto");
  command->add_option("--dialect", options.dialect, "How to speak to it")
      ->check(CLI::IsMember(dialects))
      ->capture_default_str();
  command->add_option("-o,--output", line->folder, "Folder for the results (halcyon-measurement-ID)")
      ->type_name("DIR");
  command->add_option("--api-key-file", line->api_key_file, "File whose first line is the server's key");
  add_power_constants(*command, line->power);
  command
      ->add_option("--timeout", line->timeout,
                   "Seconds for the server to be ready, and to begin or go on with an answer")
      ->check(between<double>(0.1, 86400))
      ->capture_default_str();
  command->add_flag("--json", line->json, "Print measurement.json instead of a summary");
  // Hidden: tests are in a hurry. Scales windows and intervals; what is measured in shorter ones is worth
  // less.
  command->add_option("--time-scale", options.time_scale)->check(between<double>(0.01, 10))->group("");
  command->callback([line, &chosen] { chosen = [line] { return measure_server(*line); }; });
}

}  // namespace halcyon::cli
