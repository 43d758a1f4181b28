// The answers of a batch: a file in OpenAI's batch output format, one line per job in the order in which they
// came (https://platform.openai.com/docs/api-reference/batch/request-output).
#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "guard/batch_jobs.h"

namespace halcyon::guard {

/// What became of one job.
struct BatchAnswer {
  std::string custom_id;
  int status = 0;             ///< of HTTP; 0: there was no answer, and `code` and `message` say why
  std::string body;           ///< as it came
  std::string code, message;  ///< "timeout", "POST http://127.0.0.1:8080/v1/completions: …"
};

enum class BatchOutcome {
  kOk,       ///< 2xx
  kRefused,  ///< 4xx: the job is at fault, and it would be refused again
  kFailed,   ///< anything else: it is worth another try
};
BatchOutcome outcome_of(int status);

/// A line of the file, with its newline. A body that is JSON is passed on byte for byte, except that newlines
/// between its parts become spaces; any other is a string. `request_id` is the "id" of the answer, or empty:
/// that is what servers' logs have. `serial` makes the line's own id.
std::string to_line(const BatchAnswer& answer, std::string_view serial);

/// The file, locked while the object lives, so that two runs never write it.
///
/// Opening it resumes: lines of jobs that are finished (kOk or kRefused) stay, the others go, so that in the
/// end there is one line per job. A line that a crash has torn is cut off. If lines in between have to go,
/// the rest is copied to FILE.resume.tmp, which then takes the place of FILE: at no time is an answer on
/// neither. Of several lines of one job the last counts. A file with anything else in it is left alone, and
/// an error.
class BatchAnswers {
 public:
  static Result<std::unique_ptr<BatchAnswers>> open(const std::filesystem::path& path, const BatchJobs& jobs);

  /// Jobs that were finished when the file was opened.
  bool was_finished(size_t job) const { return finished_[job]; }
  size_t count_finished() const;

  /// Adds a line with one write(): a killed process loses nothing. Any thread may call it. When it fails, as
  /// it does on a full disk, the file still ends with a whole line, and all later calls fail likewise.
  Result<void> append(const BatchAnswer& answer);

  /// Waits until everything is on the disk, if there is anything new.
  Result<void> sync();

 private:
  BatchAnswers() = default;
  Result<void> resume(const BatchJobs& jobs);
  Result<void> keep_only(std::vector<std::pair<uint64_t, uint64_t>> pieces);

  std::string name_;            ///< as the user gave it
  std::filesystem::path path_;  ///< without symbolic links
  OpenFile file_;
  std::vector<bool> finished_;
  uint64_t run_ = 0;  ///< random; it and the next make the ids of lines
  std::atomic<uint64_t> serial_ = 0;

  std::mutex mutex_;
  off_t end_ = 0;
  std::optional<Error> failed_;
  std::atomic<bool> unsynced_ = false;
};

}  // namespace halcyon::guard
