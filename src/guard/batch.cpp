#include "guard/batch.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <system_error>
#include <thread>
#include <vector>

#include "base/quote.h"
#include "base/signals.h"
#include "guard/batch_answers.h"
#include "guard/batch_jobs.h"
#include "measure/http_client.h"
#include "measure/json.h"

namespace halcyon::guard {
namespace {

using measure::Clock;
using measure::HttpAnswer;
using measure::HttpClient;
using measure::Json;
using namespace std::chrono_literals;

constexpr auto kTick = 500ms;  ///< between reports of progress
constexpr auto kSync = 1s;     ///< between writes to the disk
constexpr std::chrono::milliseconds kLongestBackOff = 60s;

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

struct Tokens {
  uint64_t prompt = 0, completion = 0;
};

/// What an answer says of its tokens, in the words of OpenAI, of llama-server, or of Ollama.
Tokens tokens_of(const Json& answer) {
  const auto count = [&](const char* path) {
    return static_cast<uint64_t>(measure::count_at(answer, path).value_or(0));
  };
  if (measure::find(answer, "/usage"))
    return {.prompt = count("/usage/prompt_tokens") + count("/usage/input_tokens"),
            .completion = count("/usage/completion_tokens") + count("/usage/output_tokens")};
  if (measure::find(answer, "/timings"))
    return {.prompt = count("/timings/prompt_n") + count("/timings/cache_n"),
            .completion = count("/timings/predicted_n")};
  return {.prompt = count("/prompt_eval_count"), .completion = count("/eval_count")};
}

/// Jobs per second, lately.
class Rate {
 public:
  explicit Rate(size_t least) : least_(least) { samples_.push_back({Clock::now(), 0}); }

  double after(uint64_t done) {
    const Clock::time_point now = Clock::now();
    if (done > samples_.back().done) samples_.push_back({now, done});
    while (samples_.size() > 2 && now - samples_[1].at > 10s && done - samples_[1].done >= least_)
      samples_.pop_front();
    const double seconds = seconds_since(samples_.front().at);
    return seconds > 0 ? static_cast<double>(done - samples_.front().done) / seconds : 0;
  }

 private:
  struct Sample {
    Clock::time_point at;
    uint64_t done;
  };
  const size_t least_;  ///< jobs to take the mean of
  std::deque<Sample> samples_;
};

class Run {
 public:
  Run(const BatchOptions& options, const BatchJobs& jobs, BatchAnswers& answers, const std::stop_token& stop)
      : options_(options),
        jobs_(jobs),
        answers_(answers),
        halt_with_caller_(stop, [this] { halt_.request_stop(); }) {
    for (size_t i = 0; i < jobs.size(); ++i)
      if (!answers.was_finished(i)) waiting_.push_back(i);
    summary_.jobs = jobs.size();
    summary_.done_before = jobs.size() - waiting_.size();
  }

  Result<BatchSummary> run();

 private:
  void work(uint32_t seed);
  Result<void> one_job(HttpClient& client, size_t index, std::minstd_rand& random);
  std::optional<BatchAnswer> ask(HttpClient& client, const BatchJob& job, std::minstd_rand& random);
  bool pause(int32_t tries, std::minstd_rand& random);
  void count(const BatchAnswer& answer);
  void end_with(Error error);
  void watch();
  void report(const BatchSummary& summary);

  uint64_t done_now() const { return summary_.ok + summary_.refused + summary_.failed; }

  const BatchOptions& options_;
  const BatchJobs& jobs_;
  BatchAnswers& answers_;
  std::vector<size_t> waiting_;
  std::atomic<size_t> next_ = 0;        ///< of waiting_
  std::atomic<uint64_t> answered_ = 0;  ///< jobs that the server had an answer to
  std::stop_source halt_;               ///< stops all requests
  std::stop_callback<std::function<void()>> halt_with_caller_;
  const Clock::time_point begun_ = Clock::now();
  Rate rate_{4 * static_cast<size_t>(options_.parallel) + 32};  ///< only for the thread that watches

  std::mutex mutex_;  ///< of all below
  std::condition_variable_any changed_;
  size_t working_ = 0;  ///< threads
  BatchSummary summary_;
  std::optional<Error> error_;  ///< that ends the run
};

Result<BatchSummary> Run::run() {
  const size_t threads = std::min(static_cast<size_t>(options_.parallel), waiting_.size());
  std::vector<std::jthread> workers;
  try {
    const BlockSignals block;
    for (size_t i = 0; i < threads; ++i) {
      {
        const std::scoped_lock lock(mutex_);
        ++working_;
      }
      workers.emplace_back([this, i] { work(static_cast<uint32_t>(i) + 1); });
    }
  } catch (const std::system_error& error) {
    {
      const std::scoped_lock lock(mutex_);
      --working_;  // the one that did not start
    }
    end_with({fmt::format("{} requests at once need as many threads: {}: ask for fewer", threads,
                          error.code().message())});
  }
  watch();
  workers.clear();
  if (Result<void> synced = answers_.sync(); !synced && !error_) error_ = synced.error();
  if (error_) return std::unexpected(*error_);
  summary_.seconds = seconds_since(begun_);
  summary_.stopped = done_now() < waiting_.size();
  report(summary_);
  return summary_;
}

/// Until all threads are done: says how far the batch is, and takes care of the disk.
void Run::watch() {
  Clock::time_point synced = Clock::now();
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kTick, [&] { return working_ == 0; })) {
    const BatchSummary now = summary_;
    lock.unlock();
    if (Clock::now() - synced >= kSync) {
      if (Result<void> written = answers_.sync(); !written) end_with(written.error());
      synced = Clock::now();
    }
    report(now);
    lock.lock();
  }
}

void Run::report(const BatchSummary& summary) {
  if (!options_.progress) return;
  const uint64_t done_now = summary.ok + summary.refused + summary.failed;
  BatchProgress progress = {.total = summary.jobs,
                            .done = summary.done_before + done_now,
                            .failed = summary.failed,
                            .jobs_per_second = rate_.after(done_now),
                            .remaining_seconds = std::nullopt,
                            .prompt_tokens = summary.prompt_tokens,
                            .completion_tokens = summary.completion_tokens};
  if (progress.jobs_per_second > 0)
    progress.remaining_seconds =
        static_cast<double>(progress.total - progress.done) / progress.jobs_per_second;
  options_.progress(progress);
}

void Run::work(uint32_t seed) {
  try {
    std::minstd_rand random(seed);
    // One limit for all of it: a GET waits for a server that starts as well.
    const measure::HttpOptions http = {.api_key = "",
                                       .patience = {.connect = 10s,
                                                    .head = options_.timeout,
                                                    .between = options_.timeout,
                                                    .whole = options_.timeout,
                                                    .get = options_.timeout}};
    HttpClient client(options_.url, http, halt_.get_token());
    for (size_t i; !halt_.stop_requested() && (i = next_++) < waiting_.size();)
      if (Result<void> done = one_job(client, waiting_[i], random); !done) end_with(done.error());
  } catch (const std::exception& error) {
    end_with({fmt::format("the batch cannot go on: {}", error.what())});
  }
  const std::scoped_lock lock(mutex_);
  --working_;
  changed_.notify_all();
}

Result<void> Run::one_job(HttpClient& client, size_t index, std::minstd_rand& random) {
  TRY(const BatchJob job, jobs_.at(index));
  const std::optional<BatchAnswer> answer = ask(client, job, random);
  if (!answer) return {};  // stopped
  CHECK_OK(answers_.append(*answer));
  count(*answer);
  return {};
}

/// The answer that counts, after as many tries as it takes; none if the batch was stopped.
std::optional<BatchAnswer> Run::ask(HttpClient& client, const BatchJob& job, std::minstd_rand& random) {
  uint64_t answered = answered_;
  for (int32_t tries = 0;;) {
    const Clock::time_point sent = Clock::now();
    Result<HttpAnswer> reply = job.get ? client.get(job.url) : client.post(job.url, job.body);
    if (!reply && halt_.stop_requested()) return std::nullopt;
    const int status = reply ? reply->status : 0;
    const bool no_room = status == 429 || status == 503;
    const bool timed_out = !reply && Clock::now() - sent >= options_.timeout;
    const bool again = (!reply && !timed_out) || no_room || status == 502 || status == 504;
    // While others are answered a full server is no reason to give up.
    if (const uint64_t before = std::exchange(answered, answered_); !no_room || before == answered) ++tries;
    if (!again || tries > options_.retries) {
      if (!reply)
        return BatchAnswer{.custom_id = job.custom_id,
                           .status = 0,
                           .body = "",
                           .code = timed_out ? "timeout" : "connection_error",
                           .message = reply.error().message};
      return BatchAnswer{.custom_id = job.custom_id,
                         .status = status,
                         .body = std::move(reply->body),
                         .code = "",
                         .message = ""};
    }
    if (!pause(tries, random)) return std::nullopt;
  }
}

/// Sleeps after the `tries`-th try: a quarter more or less, so that not all come back at once. False:
/// stopped.
bool Run::pause(int32_t tries, std::minstd_rand& random) {
  std::chrono::duration<double> time = options_.back_off;
  for (int32_t i = 1; i < tries && time < kLongestBackOff; ++i) time *= 4;
  time = std::min<std::chrono::duration<double>>(time, kLongestBackOff) *
         std::uniform_real_distribution(0.75, 1.25)(random);
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, halt_.get_token(), time, [] { return false; });
  return !halt_.stop_requested();
}

void Run::count(const BatchAnswer& answer) {
  Result<Json> json = answer.body.empty() ? fail("empty") : measure::parse_json(answer.body);
  const BatchOutcome outcome = outcome_of(answer.status);
  const Tokens tokens = json && outcome == BatchOutcome::kOk ? tokens_of(*json) : Tokens{};
  if (outcome != BatchOutcome::kFailed) ++answered_;
  const std::scoped_lock lock(mutex_);
  ++(outcome == BatchOutcome::kOk        ? summary_.ok
     : outcome == BatchOutcome::kRefused ? summary_.refused
                                         : summary_.failed);
  summary_.prompt_tokens += tokens.prompt;
  summary_.completion_tokens += tokens.completion;
  if (outcome == BatchOutcome::kOk || summary_.first_error) return;
  std::string what = answer.message;
  if (answer.status != 0)
    what = fmt::format(
        "HTTP {}: {}", answer.status,
        one_line(json ? measure::error_in(*json).value_or(measure::to_text(*json)) : answer.body, 400));
  summary_.first_error = fmt::format("job {}: {}", quote(answer.custom_id, 60), what);
}

/// The first error counts: all others come of it.
void Run::end_with(Error error) {
  {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  halt_.request_stop();
}

}  // namespace

Result<BatchSummary> run_batch(const BatchOptions& options, const std::stop_token& stop) {
  if (options.parallel < 1) return fail("{} requests at once: at least 1 is needed", options.parallel);
  Result<BatchJobs> jobs = BatchJobs::read(options.jobs, stop);
  if (!jobs && stop.stop_requested()) return BatchSummary{.stopped = true, .first_error = std::nullopt};
  if (!jobs) return forward_error(jobs);
  TRY(const std::unique_ptr<BatchAnswers> answers, BatchAnswers::open(options.answers, *jobs));
  return Run(options, *jobs, *answers, stop).run();
}

}  // namespace halcyon::guard
