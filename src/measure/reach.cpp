// From what the user gave to a server that is ready, whose dialect, model and process are known.
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/quote.h"
#include "base/system.h"
#include "devices/versions.h"
#include "measure/figures.h"
#include "measure/port.h"
#include "measure/runtime_libraries.h"
#include "measure/session.h"

namespace halcyon::measure {
namespace {

using namespace std::chrono_literals;

constexpr auto kAskAgain = 100ms;

std::set<pid_t> pids_of(const probe::TreeState& tree) {
  std::set<pid_t> pids;
  for (const probe::ProcessState& process : tree.processes) pids.insert(process.pid);
  return pids;
}

std::set<pid_t> pids_of(const Sample& sample) {
  return sample.tree ? pids_of(*sample.tree) : std::set<pid_t>();
}

bool is_below(pid_t pid, pid_t ancestor, const SystemRoot& root) {
  Result<probe::ProcessTree> tree = probe::ProcessTree::open(ancestor, root);
  Result<probe::TreeState> state = tree ? tree->state() : forward_error(tree);
  return state && pids_of(*state).contains(pid);
}

/// Whether one is the other, or was started by it.
bool related(pid_t a, pid_t b, const SystemRoot& root) {
  return is_below(a, b, root) || is_below(b, a, root);
}

Url local_url(uint16_t port, std::string host = "127.0.0.1") {
  return {.tls = false, .host = std::move(host), .port = port, .path = ""};
}

}  // namespace

void Session::start_server() {
  std::vector<std::string> command = options_.command;
  std::optional<Url> url = options_.url;
  if (!url && wants_port(command)) {
    if (const Result<uint16_t> port = free_port())
      url = local_url(*port);
    else
      return fail_for_good(port.error().message);
  }
  if (wants_port(command)) command = with_port(std::move(command), url->port);
  if (!url)
    if (const auto port = port_in(command)) url = local_url(*port);
  if (url) connect_to(*url);

  started_ = Clock::now();
  // What forks away from the server becomes our child, and is found at the end.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  auto process = process::ServerProcess::start({.words = command, .log = options_.log, .control_group = {}});
  if (!process) return fail_for_good(process.error().message);
  process_ = std::move(*process);
  document_.target.pid = process_->pid();
  Result<probe::ProcessTree> tree = probe::ProcessTree::open(process_->pid(), options_.recorder.root);
  recorder_->watch(tree ? std::optional(std::move(*tree)) : std::nullopt);
}

void Session::connect_to(const Url& url) {
  HttpOptions http;
  http.api_key = options_.api_key;
  http.patience = {.connect = std::min<std::chrono::milliseconds>(10s, options_.timeout),
                   .head = options_.timeout,
                   .between = options_.timeout,
                   .whole = 12 * options_.timeout,
                   .get = std::min<std::chrono::milliseconds>(10s, options_.timeout)};
  client_ = std::make_unique<HttpClient>(url, http, stop_);
  document_.target.url = url.text();
}

void Session::reach() {
  if (!client_ && options_.url) connect_to(*options_.url);
  if (!wait_until_ready() || !choose_model()) return;
  find_process();
}

void Session::find_port() {
  const auto ports = listening_ports(pids_of(recorder_->sample()), options_.recorder.root);
  if (!client_) {
    if (!ports.empty()) connect_to(local_url(*ports.begin()));
    return;
  }
  // It listens, and nobody answers: it must be the other one of this machine's own addresses.
  const Url tried = client_->url();
  if (ports.contains(tried.port))
    connect_to(local_url(tried.port, tried.host == "::1" ? "127.0.0.1" : "::1"));
}

bool Session::wait_until_ready() {
  const Clock::time_point deadline = Clock::now() + options_.timeout;
  std::string why = "it listens on no port";
  for (;;) {
    if (!client_) find_port();
    using State = Detection::State;
    Detection found = client_ ? detect(*client_, options_.dialect) : Detection();
    if (found.state == State::ready) {
      dialect_ = std::move(found.dialect);
      document_.target.dialect = dialect_->name();
      if (process_) document_.load_seconds = std::chrono::duration<double>(Clock::now() - started_).count();
      observer_.phase(fmt::format("{} is {}: {}", client_->url().text(), dialect_->name(), found.why));
      return true;
    }
    if (client_) why = found.why;
    if (stop_.stop_requested()) return false;
    if (const auto ended = process_ ? process_->ended() : std::nullopt) {
      fail_for_good(fmt::format("{}: {} before it was ready; its output is in {}",
                                quote(options_.command.front()), *ended, quote(options_.log.string())));
      return false;
    }
    // A server that we start may say anything until it is ready; one that runs already may still be loading.
    const bool hopeless = found.state == State::locked || (!process_ && found.state != State::loading);
    if (hopeless || Clock::now() >= deadline) {
      fail_for_good(hopeless ? why
                             : fmt::format("the server was not ready after {:.3g} s (--timeout): {}",
                                           std::chrono::duration<double>(options_.timeout).count(), why));
      return false;
    }
    if (process_)
      observer_.tick(
          fmt::format("{:.0f} s: {}", std::chrono::duration<double>(Clock::now() - started_).count(), why));
    if (client_ && !options_.url && found.state == State::silent) find_port();
    pause(kAskAgain);
  }
}

bool Session::choose_model() {
  Result<std::vector<std::string>> models = dialect_->models();
  if (!models) {
    fail_for_good(models.error().message);
    return false;
  }
  std::vector<std::string> quoted;
  for (const std::string& model : *models) quoted.push_back(quote(model));
  const auto loaded = dialect_->loaded_models();
  std::string model = options_.model;
  if (model.empty() && models->size() == 1) model = models->front();
  if (model.empty() && loaded && loaded->size() == 1) model = loaded->front();
  const auto is_model = [&](const std::string& known) {
    return known == model || known == model + ":latest";
  };
  if (model.empty() ||
      (!options_.model.empty() && !models->empty() && std::ranges::none_of(*models, is_model))) {
    fail_for_good(models->empty() ? std::string("the server has no model")
                                  : fmt::format("{} with --model: the server has {}",
                                                model.empty() ? "choose a model"
                                                              : quote(model) + " is none; choose another",
                                                fmt::join(quoted, ", ")));
    return false;
  }
  document_.target.model = model;
  if (document_.target.name.empty()) document_.target.name = model;
  dialect_->choose(std::move(model));
  return true;
}

void Session::find_process() {
  const Url& url = client_->url();
  const SystemRoot& root = options_.recorder.root;
  here_ = options_.pid || is_here(url.host);
  if (!here_) {
    problem(
        "the server runs on another machine: nothing is known of its processes, its power and its idle time");
    recorder_.reset();
    document_.idle = {};
    document_.energy = {};
    document_.target.pid.reset();
    return;
  }
  Result<pid_t> listener = probe::find_listener(url.port, root);
  Result<pid_t> pid = options_.pid ? Result<pid_t>(*options_.pid) : listener;
  if (pid && process_ && pids_of(recorder_->sample()).contains(*pid)) return;  // watched since its start
  // Another process, even if we started one: a command can leave the work to a container, say.
  Result<probe::ProcessTree> tree = pid ? probe::ProcessTree::open(*pid, root) : forward_error(pid);
  if (options_.pid && !tree) return fail_for_good(tree.error().message);
  if (!recorder_) {
    RecorderOptions recorder = options_.recorder;
    recorder.whole_machine = !tree;
    recorder_ = std::make_unique<Recorder>(recorder);
  }
  if (tree && process_)
    problem(fmt::format("port {} is held by process {}, which is none of the command's: that one is measured",
                        url.port, *pid));
  if (options_.pid && listener && is_here(url.host) && !related(*listener, *pid, root))
    problem(fmt::format("port {} is held by process {}, not by {}", url.port, *listener, *pid));
  if (tree) {
    document_.target.pid = *pid;
    recorder_->watch(std::move(*tree));
  } else {
    problem(fmt::format("no figures of the server's processes: {}", tree.error().message));
    document_.target.pid.reset();
    recorder_->watch(std::nullopt);
  }
}

void Session::load_model() {
  const auto loaded = dialect_->loaded_models();
  const bool loads_now = loaded && std::ranges::count(*loaded, dialect_->model()) == 0;
  if (loads_now && recorder_)
    if (const Sample before = recorder_->sample(); before.tree)
      document_.memory.rss_before_load = before.tree->rss_bytes;
  const Clock::time_point begin = Clock::now();
  if (const Result<void> done = dialect_->load(); !done) {
    if (!stop_.stop_requested()) fail_for_good(done.error().message);
    return;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (document_.load_seconds)
    *document_.load_seconds += seconds;
  else if (loads_now)
    document_.load_seconds = seconds;
  describe();
}

void Session::describe() {
  if (const std::string version = dialect_->version(); !version.empty())
    document_.versions["server"] = version;
  const std::filesystem::path model = dialect_->model_file();
  std::error_code error;
  const uintmax_t size = here_ ? std::filesystem::file_size(model, error) : 0;
  if (!model.empty())
    document_.versions["model"] = here_ && !error
                                      ? fmt::format("{} ({} bytes)", model.filename().string(), size)
                                      : model.filename().string();
  if (!here_) return;

  const SystemRoot& root = options_.recorder.root;
  const Sample now = recorder_->sample();
  document_.versions.merge(devices::current_versions(root));
  document_.versions.merge(runtime_libraries(pids_of(now), root));
  document_.machine.cpu = cpu_name();
  document_.machine.cores = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  document_.machine.memory_bytes =
      static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  if (now.tree) document_.memory.rss_after_load = now.tree->rss_bytes;
  const auto total = [](std::optional<uint64_t>& sum, std::optional<uint64_t> more) {
    if (more) sum = sum.value_or(0) + *more;
  };
  for (const probe::GpuState& gpu : now.gpus) {
    total(document_.memory.vram_used, gpu.vram_used_bytes);
    total(document_.memory.gtt_used, gpu.gtt_used_bytes);
    const auto bytes = [&](std::string_view kind) -> std::optional<uint64_t> {
      const auto n = root.number(fmt::format("/sys/class/drm/{}/device/mem_info_{}_total", gpu.card, kind));
      return n && *n >= 0 ? std::optional(static_cast<uint64_t>(*n)) : std::nullopt;
    };
    document_.machine.gpus.push_back(
        {.name = gpu.card, .vram_bytes = bytes("vram"), .gtt_bytes = bytes("gtt")});
  }
}

}  // namespace halcyon::measure
