// The jobs of a batch: a file in OpenAI's batch input format, one job per line
// (https://platform.openai.com/docs/api-reference/batch/request-input), and how such files are read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"

namespace halcyon::guard {

/// A file descriptor, closed with the object.
class OpenFile {
 public:
  explicit OpenFile(int fd = -1) : fd_(fd) {}
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OpenFile();

  int fd() const { return fd_; }

 private:
  int fd_;
};

/// A line of a file in the JSON Lines format.
struct JsonLine {
  std::string_view text;  ///< without the newline
  uint64_t offset;        ///< bytes from the start of the file
  uint64_t number;        ///< counted from 1
  bool ended;             ///< a newline follows
};

/// Hands over each line that is not blank. A line of more than `longest` bytes is an error.
Result<void> for_each_line(const OpenFile& file, std::string_view name, uint64_t longest,
                           const std::function<Result<void>(const JsonLine&)>& each);

/// Fails, with the column, if `text` is anything else than one JSON value.
Result<void> check_json(std::string_view text);

/// The value of a member just as it is written, or empty. `object` has passed check_json(); what is not an
/// object has no members. Of several with the name the last counts.
std::string_view find_member(std::string_view object, std::string_view name);

/// The string that a JSON text is, such as a member's value; none if it is something else.
std::optional<std::string> as_string(std::string_view json);

/// One request to send.
struct BatchJob {
  std::string custom_id;
  bool get = false;
  std::string url;   ///< "/v1/chat/completions"
  std::string body;  ///< JSON, byte for byte that of the file: numbers and the order of members stay
};

/// All jobs of a file. They stay in it: what is in memory is where each of them is.
class BatchJobs {
 public:
  /// Reads and checks all lines; "-" is standard input. An error names file and line, and what to do.
  static Result<BatchJobs> read(const std::filesystem::path& path, const std::stop_token& stop = {});

  size_t size() const { return places_.size(); }

  /// The index of a job.
  std::optional<size_t> find(std::string_view custom_id) const;

  /// A job, read once more. Fails if the file was changed meanwhile. Any thread may call it.
  Result<BatchJob> at(size_t index) const;

 private:
  struct Place {
    uint64_t offset, line;
    uint32_t length;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  Result<void> add(const JsonLine& line);

  std::string name_;
  OpenFile file_;
  std::vector<Place> places_;
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> ids_;
};

}  // namespace halcyon::guard
