#include "measure/session.h"

#include <fmt/chrono.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/child.h"
#include "base/quote.h"
#include "measure/command_line.h"
#include "measure/figures.h"

namespace halcyon::measure {
namespace {

using namespace std::chrono_literals;

constexpr int kFailuresInARow = 2;

}  // namespace

report::Measurement new_document(const MeasureOptions& options) {
  report::Measurement document;
  document.started_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  document.protocol = options.full ? "full" : "quick";
  document.target.name = options.name;
  if (options.url) document.target.url = options.url->text();
  document.target.command = without_secrets(options.command);
  document.id = report::make_id(document);
  return document;
}

report::Measurement measure(const MeasureOptions& options, report::Measurement document,
                            const Observer& observer, const std::stop_token& stop) {
  return Session(options, std::move(document), observer, stop).run();
}

Session::Session(const MeasureOptions& options, report::Measurement document, const Observer& observer,
                 std::stop_token stop)
    : options_(options),
      observer_(observer),
      stop_(std::move(stop)),
      repetitions_(options.full ? Repetitions{5, 5, 2048, {16, 128, 512, 4096}}
                                : Repetitions{3, 3, 64, {16, 128, 512}}),
      document_(std::move(document)),
      prompt_maker_(std::random_device()()) {}

report::Measurement Session::run() {
  const bool ours = !options_.command.empty();
  if (ours) {
    if (const auto found = look_up(options_.command.front()); !found) fail_for_good(found.error().message);
    recorder_ = std::make_unique<Recorder>(options_.recorder);
    phase("idle before the start", [&] { idle_before(); });
    phase("start", [&] { start_server(); });
  }
  phase("the server", [&] { reach(); });
  if (!ours) phase("idle before", [&] { idle_before(); });
  phase("load", [&] { load_model(); });
  phase("idle after the load", [&] { idle_after(document_.idle.after_load, 15s); });
  phase("cold generation", [&] { cold_generation(); });
  phase("prompts", [&] { prompts(); });
  phase("warm generations", [&] { warm_generations(); });
  phase("idle after a generation", [&] { idle_after(document_.idle.after_generation, 30s); });
  phase("tasks", [&] { tasks(); });
  finish();
  return std::move(document_);
}

void Session::phase(const std::string& name, const std::function<void()>& work) {
  if (over()) return;
  observer_.phase(name);
  work();
  if (recorder_ && recorder_->peak_rss() > 0) document_.memory.rss_peak = recorder_->peak_rss();
  // Of one that we started and that is gone more is said already.
  if (const auto lost = recorder_ ? recorder_->lost() : std::nullopt; lost && !over_)
    problem(fmt::format("process {} ended while it was measured", *lost));
  observer_.changed(document_);
}

void Session::finish() {
  if (stop_.stop_requested()) failure("stopped before the end");
  document_.complete = !failed_;
  observer_.changed(document_);
  if (!process_) return;
  observer_.phase("stopping the server: it has 10 s to end");
  process_->stop();
  look_for_daemons();
}

/// What left the server's process group became our child when its parent ended (PR_SET_CHILD_SUBREAPER).
void Session::look_for_daemons() {
  Result<probe::ProcessTree> ours = probe::ProcessTree::open(::getpid());
  if (!ours) return;
  const Clock::time_point deadline = Clock::now() + 1s;
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    const Result<probe::TreeState> state = ours->state();
    if (!state || state->processes.size() <= 1) return;
    const bool all_had_time = Clock::now() >= deadline;  // some may have been killed just now
    for (const probe::ProcessState& process : state->processes) {
      if (process.pid == ::getpid()) continue;
      if (all_had_time)
        problem(fmt::format("process {} of the server still runs: stop it", process.pid));
      else
        wait_until_ended(process.pid, std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
    }
    if (all_had_time) return observer_.changed(document_);
  }
}

void Session::problem(const std::string& what) {
  if (std::ranges::count(document_.problems, what) > 0) return;
  document_.problems.push_back(what);
  observer_.problem(what);
}

void Session::failure(const std::string& what) {
  failed_ = true;
  problem(what);
}

void Session::fail_for_good(const std::string& what) {
  failure(what);
  over_ = true;
}

std::chrono::milliseconds Session::scaled(std::chrono::milliseconds time) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time * options_.time_scale);
}

bool Session::pause(std::chrono::milliseconds time) const {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop_, time, [] { return false; });
  return !stop_.stop_requested();
}

Result<Session::Answer> Session::ask(const std::string& what, const Prompt& prompt,
                                     const GenerateOptions& options) {
  Answer answer;
  const OnFirst on_first = [&] {
    if (recorder_) answer.first = recorder_->sample();
  };
  if (recorder_) recorder_->start(scaled(250ms));
  Result<Generation> generation = dialect_->generate(prompt, options, on_first);
  if (recorder_) answer.samples = recorder_->stop();
  if (generation) {
    failures_in_a_row_ = 0;
    answer.generation = std::move(*generation);
    if (answer.first) {
      answer.prefill_joules = recorder_->joules(answer.samples.front(), *answer.first, true);
      answer.decode_joules = recorder_->joules(*answer.first, answer.samples.back(), true);
    }
    return answer;
  }
  if (stop_.stop_requested()) return fail("cancelled");
  failure(fmt::format("{}: {}", what, generation.error().message));
  // A server that ends closes its connections a moment before it is gone.
  if (const auto ended = process_ ? process_->ended(1s) : std::nullopt)
    fail_for_good(
        fmt::format("the server is gone: {}; its output is in {}", *ended, quote(options_.log.string())));
  else if (++failures_in_a_row_ == kFailuresInARow)
    fail_for_good(fmt::format("given up after {} failed requests in a row", kFailuresInARow));
  return forward_error(generation);
}

std::vector<Sample> Session::watch_idle(std::chrono::seconds time) {
  recorder_->start(scaled(1s));
  for (std::chrono::seconds at{0}; at < time && pause(scaled(1s)); ++at)
    observer_.tick(fmt::format("{} of {} s", at.count() + 1, time.count()));
  return recorder_->stop();
}

}  // namespace halcyon::measure
