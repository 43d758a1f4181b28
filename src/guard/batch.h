// Burst mode: works off a file of requests, many at once, and writes a file of answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "measure/url.h"

namespace halcyon::guard {

struct BatchProgress {
  uint64_t total = 0;
  uint64_t done = 0;           ///< with those of earlier runs, and those that failed
  uint64_t failed = 0;         ///< in this run
  double jobs_per_second = 0;  ///< of the last ten seconds, or the last jobs where those took longer
  std::optional<double> remaining_seconds;
  uint64_t prompt_tokens = 0, completion_tokens = 0;  ///< of this run
};

struct BatchOptions {
  std::filesystem::path jobs;                                 ///< see BatchJobs; "-": standard input
  std::filesystem::path answers;                              ///< see BatchAnswers
  int32_t parallel = 1;                                       ///< requests at once
  measure::Url url;                                           ///< what the jobs' paths are appended to
  std::chrono::milliseconds timeout = std::chrono::hours(1);  ///< for one answer, until its last byte
  int32_t retries = 3;                                        ///< of one job, after the first try
  std::chrono::milliseconds back_off =
      std::chrono::seconds(2);  ///< before the first retry; then 4 times that, …
  /// Called by the thread that called run_batch(), every half second at most, and at the end.
  std::function<void(const BatchProgress&)> progress;
};

struct BatchSummary {
  uint64_t jobs = 0;
  uint64_t done_before = 0;                  ///< by earlier runs
  uint64_t ok = 0, refused = 0, failed = 0;  ///< of this run; see BatchOutcome
  bool stopped = false;                      ///< before all was done
  double seconds = 0;
  uint64_t prompt_tokens = 0, completion_tokens = 0;  ///< as the answers of this run have it
  std::optional<std::string> first_error;             ///< of a job that was refused or failed
};

/// Works off all jobs that have no answer yet. All lines of both files are checked before the first request.
///
/// A job is tried again when no answer came (but not after `timeout`), and after 429, 502, 503 and 504. As
/// long as other jobs are answered meanwhile, 429 and 503 do not count as tries: the server works, it has no
/// room. A job that fails for good gets its line, and the batch goes on; the next run tries it again. After a
/// stop running requests are cancelled and leave no line. Fails if the files are not usable, or can't be
/// written.
Result<BatchSummary> run_batch(const BatchOptions& options, const std::stop_token& stop);

}  // namespace halcyon::guard
