// One line on standard error that changes, if that is a terminal.
#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

#include "base/quote.h"
#include "cli/diagnostics.h"

namespace halcyon::cli {

/// Gone when the object is.
class StatusLine {
 public:
  StatusLine() = default;
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool is_shown() const { return terminal_; }
  void show(std::string_view text) {
    if (!terminal_ || text == text_) return;
    text_ = text;
    diagnose("\r\x1b[K{}", one_line(text));
  }
  void clear() {
    if (terminal_ && !text_.empty()) diagnose("\r\x1b[K");
    text_.clear();
  }

 private:
  const bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string text_;
};

}  // namespace halcyon::cli
