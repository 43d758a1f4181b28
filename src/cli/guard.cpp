// halcyon guard: another server's speed at no idle cost.
#include <signal.h>
#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <memory>
#include <set>

#include "base/log.h"
#include "base/quote.h"
#include "base/signals.h"
#include "cli/command.h"
#include "cli/diagnostics.h"
#include "cli/interrupt.h"
#include "cli/ledger.h"
#include "cli/numbers.h"
#include "guard/burst.h"
#include "guard/config.h"

namespace halcyon::cli {
namespace {

struct GuardLine {
  std::string listen, config, jobs, answers;
  std::vector<std::string> command;
  guard::Settings settings;
  PowerConstants power;
  bool once = false;
  int32_t parallel = 4;
};

/// What the file says, with what the command line says before it.
Result<guard::GuardOptions> guard_options(const GuardLine& line) {
  guard::ConfigFile file;
  if (!line.config.empty()) {
    TRY(file, guard::read_guard_file(line.config));
    if (!line.command.empty()) return fail("give a command or --config: the file has the commands");
  } else {
    if (line.command.empty())
      return fail("nothing to guard: give a command that starts a server after --, or --config FILE");
    file.servers.push_back({"server", {{"command", line.command}}});
  }
  for (const auto& [name, values] : line.settings)
    for (auto& [server, settings] : file.servers) settings[name] = values;

  guard::GuardOptions options;
  const auto listen = file.all.find("listen");
  const std::string address = !line.listen.empty()       ? line.listen
                              : listen != file.all.end() ? listen->second.back()
                                                         : "127.0.0.1:8080";
  TRY(const auto parsed, guard::parse_address(address));
  std::tie(options.host, options.port) = parsed;
  energy::SensorOptions sensors;
  if (const auto watts = file.all.find("watts_per_core"); watts != file.all.end()) {
    const auto number = parse_number<double>(watts->second.back());
    if (!number || !(*number >= 0 && *number <= 1000))
      return fail("{}: watts_per_core: {} is not a number from 0 to 1000", line.config,
                  quote(watts->second.back()));
    sensors.watts_per_core = *number;
  }
  use(line.power, sensors);
  sensors.cpu = energy::machine_cpu_clock();
  options.watts_per_core = sensors.watts_per_core;
  for (const auto& [name, settings] : file.servers) {
    TRY(guard::ServerOptions server, guard::server_options(name, settings, file.all));
    server.sensors = sensors;
    options.servers.push_back(std::move(server));
  }
  options.start_now = options.servers.size() == 1;
  std::set<std::string> models;
  std::set<uint16_t> ports;
  for (const guard::ServerOptions& server : options.servers) {
    for (const std::string& model : server.models)
      if (!models.insert(model).second)
        return fail("{}: two servers have the model {}", line.config, quote(model));
    if (server.port != 0 && !ports.insert(server.port).second)
      return fail("{}: two servers have the upstream_port {}", line.config, server.port);
  }
  return options;
}

Result<void> guard_servers(const GuardLine& line) {
  TRY(guard::GuardOptions options, guard_options(line));
  log_what_is_done();
  ::signal(SIGPIPE, SIG_IGN);  // clients come and go
  boost::asio::io_context loop(1);
  TRY(const std::unique_ptr<guard::Guard> guard, guard::Guard::open(loop, std::move(options)));
  for (const std::string& address : guard->addresses())
    spdlog::info("listening on http://{}; /guard/status tells how it is", address);

  boost::asio::signal_set signals(loop, SIGINT, SIGTERM);
  struct sigaction hangup {};
  if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
    signals.add(SIGHUP);  // nohup
  std::function<void()> await_signal = [&] {
    signals.async_wait([&](boost::system::error_code error, int) {
      if (error) return;
      if (guard->is_shutting_down()) return guard->kill();  // whoever asks twice does not want to wait
      await_signal();
      guard->shut_down();
    });
  };
  await_signal();
  guard->on_done = [&signals] { signals.cancel(); };
  loop.run();

  if (guard->failure()) return fail("the server could not be started: {}", *guard->failure());
  for (const auto& server : guard->servers())
    spdlog::info("{}: {}", server->options().name,
                 summary(server->account(), guard->options().watts_per_core, guard::Clock::now()));
  return {};
}

std::string duration(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  return seconds < 7200 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

/// On a terminal one line that changes, elsewhere one now and then.
class BatchProgressLine {
 public:
  void show(const guard::BatchProgress& progress) {
    std::string text =
        fmt::format("{} of {} done, {:.2f} jobs/s", progress.done, progress.total, progress.jobs_per_second);
    if (progress.failed > 0) text += fmt::format(", {} failed", progress.failed);
    if (progress.remaining_seconds) text += ", " + duration(*progress.remaining_seconds) + " left";
    if (terminal_) return diagnose("\r\x1b[K{}", text);
    if (guard::Clock::now() < next_) return;
    next_ = guard::Clock::now() + std::chrono::seconds(10);
    diagnose("{}\n", text);
  }
  void finish() {
    if (terminal_) diagnose("\r\x1b[K");
  }

 private:
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  guard::Time next_{};
};

std::string cost(const guard::BurstResult& result) {
  const guard::BatchSummary& batch = result.batch;
  std::string text = fmt::format("{} jobs in {}: {} answered, {} refused, {} failed", batch.jobs,
                                 duration(result.seconds), batch.ok, batch.refused, batch.failed);
  if (batch.done_before > 0) text += fmt::format(", {} done before", batch.done_before);
  text += fmt::format("\n{} prompt tokens, {} generated\n{:.0f} J = {:.3g} Wh", batch.prompt_tokens,
                      batch.completion_tokens, result.joules, result.joules / 3600);
  if (batch.completion_tokens > 0)
    text += fmt::format(", {:.3g} J per generated token",
                        result.joules / static_cast<double>(batch.completion_tokens));
  return text + fmt::format(" ({}{}), start and end of the server included\n",
                            result.measured ? "measured: " : "", result.source);
}

Result<void> run_once(const GuardLine& line) {
  TRY(guard::GuardOptions options, guard_options(line));
  if (options.servers.size() > 1) return fail("--once is for one server");
  if (line.answers.empty()) return fail("--once writes its answers to a file: give -o answers.jsonl");
  ::signal(SIGPIPE, SIG_IGN);
  const energy::SensorOptions sensors = options.servers.front().sensors;
  auto interrupt = std::make_unique<Interrupt>();
  BatchProgressLine progress;
  guard::BatchOptions batch{.jobs = line.jobs,
                            .answers = line.answers,
                            .parallel = line.parallel,
                            .url = {},
                            .progress = [&](const guard::BatchProgress& p) { progress.show(p); }};
  const Result<guard::BurstResult> result =
      run_burst(std::move(options), std::move(batch), sensors, interrupt->token());
  progress.finish();
  if (!result) return fail("{}", result.error().message);
  fmt::print("{}", cost(*result));
  if (const int signal = interrupt->signal()) {
    diagnose("halcyon: interrupted: run it again with the same -o to go on\n");
    interrupt.reset();
    std::exit(128 + signal);
  }
  const guard::BatchSummary& summary = result->batch;
  if (summary.failed > 0)
    return fail("{} jobs failed, the first: {}; run it again to try them once more", summary.failed,
                one_line(summary.first_error.value_or("")));
  return {};
}

}  // namespace

void add_guard(CLI::App& app, Action& chosen) {
  auto line = std::make_shared<GuardLine>();
  CLI::App* command = app.add_subcommand(
      "guard", "Freeze another server while it has nothing to do, and thaw it for the next request");
  command->add_option("--listen", line->listen, "Where clients ask (127.0.0.1:8080)")->type_name("HOST:PORT");
  command->add_option("--config", line->config, "TOML file with several servers: docs/GUARD.md")
      ->type_name("FILE");
  for (const guard::SettingInfo& setting : guard::server_settings()) {
    const std::string name = setting.name;
    if (name == "command" || name == "models" || name == "exclusive" || name == "memory") continue;
    std::string flag = "--" + name;
    std::ranges::replace(flag, '_', '-');
    CLI::Option* option = command->add_option_function<std::vector<std::string>>(
        flag, [line, name](const std::vector<std::string>& values) { line->settings[name] = values; },
        setting.help);
    // A "--" behind it begins the command, and does not end its values.
    option->type_name(setting.type)->expected(1)->allow_extra_args(false);
    if (setting.standard) option->default_str(setting.standard);
    if (setting.is_list) option->take_all();
  }
  add_power_constants(*command, line->power);
  CLI::Option* once =
      command->add_flag("--once", line->once, "Start the server, work off a file of requests, and stop it");
  command
      ->add_option("--jobs", line->jobs,
                   "OpenAI's batch format, a request per line (default: standard input)")
      ->type_name("FILE")
      ->needs(once)
      ->default_str("-");
  command->add_option("-o,--output", line->answers, "Answers; what is there already is not asked again")
      ->type_name("FILE")
      ->needs(once);
  command->add_option("--parallel", line->parallel, "Requests at once")
      ->check(between<int32_t>(1, 1024))
      ->needs(once)
      ->capture_default_str();
  command->add_option("command", line->command, "After --: starts the server; {port} becomes its port")
      ->type_name("COMMAND");
  command->callback([line, &chosen] {
    if (line->jobs.empty()) line->jobs = "-";
    chosen = [line] { return line->once ? run_once(*line) : guard_servers(*line); };
  });
}

}  // namespace halcyon::cli
