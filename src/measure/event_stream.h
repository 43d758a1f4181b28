// The events of a streamed answer: server-sent events, or JSON objects one per line.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace halcyon::measure {

/// Puts pieces of a body together to events.
class EventStream {
 public:
  enum class Format { sse, ndjson };
  using OnEvent = std::function<Result<void>(std::string_view data)>;

  /// `on_event` gets what follows "data:" of an event, or a line. An event longer than `longest` bytes is an
  /// error, and so is what `on_event` returns as one.
  EventStream(Format format, OnEvent on_event, size_t longest = 4 << 20)
      : format_(format), on_event_(std::move(on_event)), longest_(longest) {}

  Result<void> feed(std::string_view bytes);
  Result<void> finish();  ///< the body has ended: what is left is an event as well

 private:
  Result<void> line(std::string_view line);
  Result<void> dispatch();

  Format format_;
  OnEvent on_event_;
  size_t longest_;
  std::string line_;  ///< not ended yet
  std::string data_;  ///< of an event of several lines
};

}  // namespace halcyon::measure
