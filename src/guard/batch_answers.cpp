#include "guard/batch_answers.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <system_error>

#include "base/quote.h"

namespace halcyon::guard {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// The longest body, each byte of it escaped, and what is around it.
constexpr uint64_t kLongestLine = 512 << 20;
constexpr std::string_view kStart = R"({"id":"batch_req_)";

std::string reason() { return std::generic_category().message(errno); }

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Everything, or false and errno.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

/// On the disk, or false and errno.
bool flush(int fd) {
  return ::fdatasync(fd) == 0 || errno == EINVAL;
}  // EINVAL: this file system has no disk

/// A file that nobody else writes: opened, made if there is none, and locked.
Result<OpenFile> open_locked(const fs::path& path, const std::string& name) {
  while (true) {
    OpenFile file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
    struct stat ours = {}, there = {};
    if (file.fd() < 0 || ::fstat(file.fd(), &ours) != 0)
      return fail("{}: cannot write it: {}: check its folder, or give another file with -o", name, reason());
    if (!S_ISREG(ours.st_mode)) return fail("{}: not a regular file: give one with -o", name);
    if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK)
        return fail("{}: another batch writes it: wait for its end, or give another file with -o", name);
      return fail("{}: cannot lock it: {}: give a file on a local disk with -o", name, reason());
    }
    // Whoever held the lock may have put another file in its place.
    if (::stat(path.c_str(), &there) == 0 && there.st_ino == ours.st_ino && there.st_dev == ours.st_dev)
      return file;
  }
}

/// Bytes of one file, appended to another. False and errno.
bool copy_piece(int from, uint64_t offset, uint64_t length, int to) {
  std::vector<char> buffer(static_cast<size_t>(std::min<uint64_t>(length, 1 << 20)));
  while (length > 0) {
    const ssize_t n =
        ::pread(from, buffer.data(), static_cast<size_t>(std::min<uint64_t>(length, buffer.size())),
                static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;  // shorter than a moment ago
    if (n <= 0 || !write_all(to, {buffer.data(), static_cast<size_t>(n)})) return false;
    offset += static_cast<uint64_t>(n), length -= static_cast<uint64_t>(n);
  }
  return true;
}

/// Whether a last line without an end may be one of ours: never cut off what belongs to somebody else.
bool may_be_torn(std::string_view line) {
  return line.starts_with(kStart) || kStart.starts_with(line) || line.find_first_not_of('\0') == line.npos;
}

struct Line {
  std::string custom_id;
  int status = 0;
};

std::optional<Line> parse_line(std::string_view text) {
  if (!check_json(text)) return std::nullopt;
  std::optional<std::string> id = as_string(find_member(text, "custom_id"));
  const std::string_view response = find_member(text, "response");
  const std::string_view status = find_member(response, "status_code");
  const bool answered = response.starts_with('{') && !status.empty();
  const bool failed = response == "null" && !find_member(text, "error").empty();
  if (!id || (!answered && !failed)) return std::nullopt;
  const Json number = answered ? Json::parse(status, nullptr, false) : Json(0);
  if (!number.is_number_integer()) return std::nullopt;
  return Line{.custom_id = std::move(*id), .status = number.get<int>()};
}

}  // namespace

BatchOutcome outcome_of(int status) {
  if (status >= 200 && status < 300) return BatchOutcome::kOk;
  // Request timeout, conflict, too early, too many requests: all may go away.
  const bool passing = status == 408 || status == 409 || status == 425 || status == 429;
  return status >= 400 && status < 500 && !passing ? BatchOutcome::kRefused : BatchOutcome::kFailed;
}

std::string to_line(const BatchAnswer& answer, std::string_view serial) {
  std::string line =
      fmt::format(R"({}{}","custom_id":{},"response":)", kStart, serial, json_string(answer.custom_id));
  if (answer.status == 0)
    return line +
           fmt::format(R"(null,"error":{{"code":{},"message":{}}}}})", json_string(answer.code),
                       json_string(answer.message)) +
           '\n';
  std::string body = answer.body;
  std::string_view request_id;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (body.starts_with(kByteOrderMark)) body.erase(0, kByteOrderMark.size());
  if (check_json(body)) {
    std::ranges::replace(body, '\n', ' ');  // within strings there are none
    std::ranges::replace(body, '\r', ' ');
    request_id = find_member(body, "id");
  } else {
    body = json_string(answer.body);
  }
  if (!request_id.starts_with('"')) request_id = R"("")";
  return line + fmt::format(R"({{"status_code":{},"request_id":{},"body":)", answer.status, request_id) +
         body + "},\"error\":null}\n";
}

Result<std::unique_ptr<BatchAnswers>> BatchAnswers::open(const fs::path& path, const BatchJobs& jobs) {
  std::unique_ptr<BatchAnswers> answers(new BatchAnswers);
  answers->name_ = path.string();
  if (path == "-") return fail("-o -: give a file, so that a batch can be resumed");
  TRY(answers->file_, open_locked(path, answers->name_));
  std::error_code error;
  answers->path_ = fs::canonical(path, error);
  if (error) return fail("{}: {}", answers->name_, error.message());
  answers->run_ = static_cast<uint64_t>(std::random_device()()) << 32 | std::random_device()();
  CHECK_OK(answers->resume(jobs));
  return answers;
}

Result<void> BatchAnswers::resume(const BatchJobs& jobs) {
  struct Place {
    uint64_t offset = 0, length = 0;
  };
  std::vector<Place> places(jobs.size());
  finished_.assign(jobs.size(), false);
  uint64_t lines = 0;
  std::optional<uint64_t> torn;
  CHECK_OK(for_each_line(file_, name_, kLongestLine, [&](const JsonLine& line) -> Result<void> {
    const std::optional<Line> answer = line.ended ? parse_line(line.text) : std::nullopt;
    if (!line.ended && may_be_torn(line.text)) {
      torn = line.offset;
      return {};
    }
    if (!answer)
      return fail(
          "{}, line {}: {} is not the answer to a job: give another file with -o, or take the line out",
          name_, line.number, quote(line.text, 40));
    const std::optional<size_t> job = jobs.find(answer->custom_id);
    if (!job)
      return fail("{}, line {}: there is no job {}: the file belongs to other jobs, give another with -o",
                  name_, line.number, quote(answer->custom_id, 60));
    places[*job] = {.offset = line.offset, .length = line.text.size() + 1};
    finished_[*job] = outcome_of(answer->status) != BatchOutcome::kFailed;
    ++lines;
    return {};
  }));
  if (lines > count_finished()) {
    std::vector<std::pair<uint64_t, uint64_t>> pieces;
    for (size_t i = 0; i < places.size(); ++i)
      if (finished_[i]) pieces.emplace_back(places[i].offset, places[i].length);
    CHECK_OK(keep_only(std::move(pieces)));
  } else if (torn && ::ftruncate(file_.fd(), static_cast<off_t>(*torn)) != 0) {
    return fail("{}: cannot cut off the last line, which is not whole: {}", name_, reason());
  }
  end_ = ::lseek(file_.fd(), 0, SEEK_END);
  if (end_ < 0) return fail("{}: cannot find its end: {}", name_, reason());
  return {};
}

Result<void> BatchAnswers::keep_only(std::vector<std::pair<uint64_t, uint64_t>> pieces) {
  std::ranges::sort(pieces);
  const fs::path temporary = path_.string() + ".resume.tmp";
  ::unlink(temporary.c_str());  // of a run that was killed: nobody else has the lock
  OpenFile kept(::open(temporary.c_str(), O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (kept.fd() < 0)
    return fail("{}: cannot write {} beside it: {}", name_, temporary.filename().string(), reason());
  struct stat status = {};
  // Locked before it is seen, so that the file is never without a lock.
  bool done = ::flock(kept.fd(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file_.fd(), &status) == 0 &&
              ::fchmod(kept.fd(), status.st_mode & 07777) == 0;
  for (size_t i = 0; done && i < pieces.size(); ++i)
    done = copy_piece(file_.fd(), pieces[i].first, pieces[i].second, kept.fd());
  done = done && flush(kept.fd()) && ::rename(temporary.c_str(), path_.c_str()) == 0;
  if (!done) {
    const std::string why = reason();
    ::unlink(temporary.c_str());
    return fail("{}: cannot write it anew without the jobs that failed: {}; nothing was changed", name_, why);
  }
  file_ = std::move(kept);
  return {};
}

size_t BatchAnswers::count_finished() const {
  return static_cast<size_t>(std::ranges::count(finished_, true));
}

Result<void> BatchAnswers::append(const BatchAnswer& answer) {
  const std::string line = to_line(answer, fmt::format("{:016x}{:08x}", run_, serial_++));
  const std::scoped_lock lock(mutex_);
  if (failed_) return std::unexpected(*failed_);
  if (write_all(file_.fd(), line)) {
    end_ += static_cast<off_t>(line.size());
    unsynced_ = true;
    return {};
  }
  failed_ = Error{
      fmt::format("{}: cannot write: {}: make room, and start the batch again: what is answered is kept",
                  name_, reason())};
  // Half a line goes again; where that fails as well the next run cuts it off.
  [[maybe_unused]] const int ignored = ::ftruncate(file_.fd(), end_);
  return std::unexpected(*failed_);
}

Result<void> BatchAnswers::sync() {
  if (!unsynced_.exchange(false) || flush(file_.fd())) return {};
  return fail("{}: cannot bring it to the disk: {}", name_, reason());
}

}  // namespace halcyon::guard
