#include "guard/batch_jobs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/quote.h"

namespace halcyon::guard {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint64_t kLongestLine = 64 << 20;
constexpr size_t kLongestId = 4096;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kSpace = " \t\r\n";

std::string reason() { return std::generic_category().message(errno); }

/// read() or pread(), until it says something else than that a signal came.
template <class Read>
ssize_t undisturbed(Read&& read) {
  ssize_t n;
  do n = read();
  while (n < 0 && errno == EINTR);
  return n;
}

/// What comes out of a pipe or a terminal, as a file in memory that can be read twice.
Result<OpenFile> keep_in_memory(const OpenFile& from, std::string_view name, const std::stop_token& stop) {
  OpenFile memory(::memfd_create("halcyon-jobs", MFD_CLOEXEC));
  const OpenFile stopped(::eventfd(0, EFD_CLOEXEC));
  if (memory.fd() < 0 || stopped.fd() < 0) return fail("{}: no file to keep it in: {}", name, reason());
  const std::stop_callback wake(stop, [&] { ::eventfd_write(stopped.fd(), 1); });
  std::vector<char> buffer(256 << 10);
  while (true) {
    std::array waiting = {pollfd{.fd = from.fd(), .events = POLLIN, .revents = 0},
                          pollfd{.fd = stopped.fd(), .events = POLLIN, .revents = 0}};
    if (undisturbed([&] { return ::poll(waiting.data(), waiting.size(), -1); }) < 0)
      return fail("{}: cannot wait for it: {}", name, reason());
    if (stop.stop_requested()) return fail("stopped");
    const ssize_t n = undisturbed([&] { return ::read(from.fd(), buffer.data(), buffer.size()); });
    if (n == 0) return memory;
    if (n < 0) return fail("{}: cannot read: {}", name, reason());
    std::string_view piece(buffer.data(), static_cast<size_t>(n));
    while (!piece.empty()) {
      const ssize_t written = undisturbed([&] { return ::write(memory.fd(), piece.data(), piece.size()); });
      if (written < 0) return fail("{}: no memory for all of it: {}: give a file instead", name, reason());
      piece.remove_prefix(static_cast<size_t>(written));
    }
  }
}

/// A file that stays readable at any offset.
Result<OpenFile> open_jobs(const fs::path& path, std::string_view name, const std::stop_token& stop) {
  OpenFile file(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                            : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0)
    return fail("{}: cannot open the jobs: {}", name, reason());
  if (S_ISREG(status.st_mode) && path != "-") return file;
  return keep_in_memory(file, name, stop);
}

size_t skip_space(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(kSpace, at), text.size());
}

/// From an opening quote to behind the closing one.
size_t skip_string(std::string_view text, size_t at) {
  for (++at; at < text.size(); at += 2) {
    at = text.find_first_of("\"\\", at);
    if (at == text.npos) break;
    if (text[at] == '"') return at + 1;
  }
  return text.size();
}

/// From the first character of a value to behind its last.
size_t skip_value(std::string_view text, size_t at) {
  size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
    } else if (c == '{' || c == '[') {
      ++depth, ++at;
    } else if (c == '}' || c == ']') {
      --depth, ++at;
    } else {  // a number or a word, or what separates
      at = depth > 0 ? at + 1 : std::min(text.find_first_of(" \t\r\n,]}", at), text.size());
    }
    if (depth == 0) break;
  }
  return at;
}

/// A member that is a string; `none` if there is no such member.
Result<std::string> string_member(std::string_view object, std::string_view name, std::string_view none) {
  const std::string_view value = find_member(object, name);
  if (value.empty()) return std::string(none);
  const std::optional<std::string> text = as_string(value);
  if (!text) return fail("\"{}\" is {}: write a string", name, quote(value, 40));
  return *text;
}

bool is_path(std::string_view url) {
  return url.starts_with('/') && std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f; });
}

/// Answers that come in pieces have no one JSON text.
Result<void> refuse_streams(const BatchJob& job) {
  const std::string_view stream = find_member(job.body, "stream");
  if (stream == "true")
    return fail("\"stream\" is true in its body: leave it out, answers of a batch come as a whole");
  const bool ollama = job.url == "/api/generate" || job.url == "/api/chat";
  if (ollama && stream != "false")
    return fail("{} streams unless told otherwise: put \"stream\": false into the body", job.url);
  return {};
}

Result<BatchJob> parse_job(std::string_view line) {
  CHECK_OK(check_json(line));
  if (line[skip_space(line, 0)] != '{')
    return fail("{} is not a JSON object: write each job as one", quote(line, 40));
  BatchJob job;
  TRY(job.custom_id, string_member(line, "custom_id", ""));
  if (job.custom_id.empty()) return fail("\"custom_id\" is missing: give each job one of its own");
  if (job.custom_id.size() > kLongestId)
    return fail("\"custom_id\" has {} bytes: at most {} will do", job.custom_id.size(), kLongestId);
  TRY(const std::string method, string_member(line, "method", "POST"));
  if (method != "POST" && method != "GET")
    return fail("\"method\" is {}: only POST and GET are sent", quote(method, 40));
  job.get = method == "GET";
  TRY(job.url, string_member(line, "url", ""));
  if (job.url.empty()) return fail("\"url\" is missing: write \"/v1/chat/completions\", say");
  if (!is_path(job.url))
    return fail("\"url\" is {}: write the path alone, as in \"/v1/chat/completions\"", quote(job.url, 60));
  job.body = find_member(line, "body");
  if (job.body == "null") job.body.clear();
  if (job.get && !job.body.empty()) return fail("a GET has no body: leave \"body\" out, or make it a POST");
  if (!job.get && !job.body.starts_with('{'))
    return fail("\"body\" is {}: write the object to be sent",
                job.body.empty() ? "missing" : quote(job.body, 40));
  CHECK_OK(refuse_streams(job));
  return job;
}

}  // namespace

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> for_each_line(const OpenFile& file, std::string_view name, uint64_t longest,
                           const std::function<Result<void>(const JsonLine&)>& each) {
  std::string buffer;   // what is read and not handed over
  uint64_t offset = 0;  // of the buffer
  uint64_t number = 0;
  size_t searched = 0;  // bytes of the buffer without a newline
  const auto hand_over = [&](std::string_view text, uint64_t at, bool ended) -> Result<void> {
    ++number;
    if (text.size() > longest)
      return fail("{}, line {}: longer than {} MiB: is this a file of JSON lines?", name, number,
                  longest >> 20);
    if (at == 0 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
      at += kByteOrderMark.size();
    }
    if (skip_space(text, 0) == text.size()) return {};
    return each({.text = text, .offset = at, .number = number, .ended = ended});
  };
  while (true) {
    constexpr size_t kPiece = 256 << 10;
    const size_t had = buffer.size();
    buffer.resize(had + kPiece);
    const ssize_t n = undisturbed(
        [&] { return ::pread(file.fd(), buffer.data() + had, kPiece, static_cast<off_t>(offset + had)); });
    if (n < 0) return fail("{}: cannot read: {}", name, reason());
    buffer.resize(had + static_cast<size_t>(n));
    size_t begin = 0;
    for (size_t end; (end = buffer.find('\n', std::max(begin, searched))) != buffer.npos; begin = end + 1)
      CHECK_OK(hand_over(std::string_view(buffer).substr(begin, end - begin), offset + begin, true));
    buffer.erase(0, begin);
    offset += begin;
    searched = buffer.size();
    if (n == 0 || buffer.size() > longest)
      return buffer.empty() ? Result<void>() : hand_over(buffer, offset, false);
  }
}

Result<void> check_json(std::string_view text) {
  // The parser takes a zero for the end of its input.
  if (const size_t zero = text.find('\0'); zero != text.npos)
    return fail("not JSON: column {} is a zero byte", zero + 1);
  if (Json::accept(text)) return {};
  try {
    const Json none = Json::parse(text, [](int, Json::parse_event_t, const Json&) { return false; });
  } catch (const Json::parse_error& error) {
    return fail("not JSON from column {} on: write one object per line, without newlines in it", error.byte);
  } catch (const std::exception& error) {  // a number that is too large
    return fail("not JSON that can be used: {}", one_line(error.what(), 100));
  }
  return fail("not JSON");
}

std::string_view find_member(std::string_view object, std::string_view name) {
  std::string_view found;
  size_t at = skip_space(object, 0);
  if (at == object.size() || object[at] != '{') return found;
  for (at = skip_space(object, at + 1); at < object.size() && object[at] == '"';) {
    const size_t name_end = skip_string(object, at);
    const std::string_view quoted = object.substr(at, name_end - at);
    const size_t begin = skip_space(object, skip_space(object, name_end) + 1);  // behind the colon
    const size_t end = skip_value(object, begin);
    if (quoted.contains('\\') ? as_string(quoted) == name : quoted.substr(1, quoted.size() - 2) == name)
      found = object.substr(begin, end - begin);
    at = skip_space(object, skip_space(object, end) + 1);  // behind the comma
  }
  return found;
}

std::optional<std::string> as_string(std::string_view json) {
  if (!json.starts_with('"')) return std::nullopt;
  const Json value = Json::parse(json, nullptr, false);
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

Result<BatchJobs> BatchJobs::read(const fs::path& path, const std::stop_token& stop) {
  BatchJobs jobs;
  jobs.name_ = path == "-" ? "standard input" : path.string();
  TRY(jobs.file_, open_jobs(path, jobs.name_, stop));
  CHECK_OK(for_each_line(jobs.file_, jobs.name_, kLongestLine, [&](const JsonLine& line) -> Result<void> {
    if (stop.stop_requested()) return fail("stopped");
    Result<void> added = jobs.add(line);
    if (added) return added;
    return std::unexpected(std::move(added.error()).in(fmt::format("{}, line {}", jobs.name_, line.number)));
  }));
  if (jobs.size() == 0)
    return fail(
        R"({}: no jobs: write lines like {{"custom_id": "1", "url": "/v1/chat/completions", "body": {{…}}}})",
        jobs.name_);
  return jobs;
}

Result<void> BatchJobs::add(const JsonLine& line) {
  TRY(BatchJob job, parse_job(line.text));
  const auto [known, is_new] =
      ids_.try_emplace(std::move(job.custom_id), static_cast<uint32_t>(places_.size()));
  if (!is_new)
    return fail("\"custom_id\" {} is that of line {} too: give each job one of its own",
                quote(known->first, 60), places_[known->second].line);
  places_.push_back(
      {.offset = line.offset, .line = line.number, .length = static_cast<uint32_t>(line.text.size())});
  return {};
}

std::optional<size_t> BatchJobs::find(std::string_view custom_id) const {
  const auto known = ids_.find(custom_id);
  return known != ids_.end() ? std::optional<size_t>(known->second) : std::nullopt;
}

Result<BatchJob> BatchJobs::at(size_t index) const {
  const Place& place = places_[index];
  std::string line(place.length, '\0');
  const ssize_t n = undisturbed(
      [&] { return ::pread(file_.fd(), line.data(), line.size(), static_cast<off_t>(place.offset)); });
  Result<BatchJob> job;
  if (n == static_cast<ssize_t>(line.size())) job = parse_job(line);
  if (!job || find(job->custom_id) != index)
    return fail("{}, line {}: the file was changed while the batch ran: start it again", name_, place.line);
  return job;
}

}  // namespace halcyon::guard
