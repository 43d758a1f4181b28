#include "measure/event_stream.h"

#include <utility>

namespace halcyon::measure {

Result<void> EventStream::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > longest_) return fail("an event is longer than {} bytes", longest_);
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    CHECK_OK(line(std::exchange(line_, {})));
  }
  return {};
}

Result<void> EventStream::finish() {
  if (!line_.empty()) CHECK_OK(line(std::exchange(line_, {})));
  return dispatch();
}

Result<void> EventStream::line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (format_ == Format::ndjson) return line.empty() ? Result<void>{} : on_event_(line);
  if (line.empty()) return dispatch();
  const std::string_view field = line.substr(0, line.find(':'));
  // "error:" was llama-server's own way to report one after the first event.
  if (field != "data" && field != "error") return {};
  line.remove_prefix(std::min(line.size(), field.size() + 1));
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (!data_.empty()) data_ += '\n';
  data_ += line;
  return {};
}

Result<void> EventStream::dispatch() {
  return data_.empty() ? Result<void>{} : on_event_(std::exchange(data_, {}));
}

}  // namespace halcyon::measure
