// Where the user of a chat types: a terminal with line editing and a history, or a pipe.
#pragma once

#include <histedit.h>

#include <memory>
#include <string>

#include "engine/generation.h"

namespace halcyon::cli {

class ChatTerminal {
 public:
  ChatTerminal();
  ~ChatTerminal();
  ChatTerminal(const ChatTerminal&) = delete;
  ChatTerminal& operator=(const ChatTerminal&) = delete;

  bool interactive() const { return interactive_; }

  enum class Input { line, interrupted, end };

  /// The next line without its newline, kept in the history; or Ctrl-C; or the end of the input.
  Input read(std::string& line);

 private:
  struct Closer {
    void operator()(EditLine* edit) const { el_end(edit); }
    void operator()(History* history) const { history_end(history); }
  };

  bool interactive_;
  std::string history_path_;  ///< empty: the history is not kept
  std::unique_ptr<History, Closer> history_;
  std::unique_ptr<EditLine, Closer> edit_;
};

/// While it lives, Ctrl-C cancels `generation`. In between, with a ChatTerminal, Ctrl-C only interrupts
/// read().
class CancelOnInterrupt {
 public:
  explicit CancelOnInterrupt(engine::Generation& generation);
  ~CancelOnInterrupt();
  CancelOnInterrupt(const CancelOnInterrupt&) = delete;
  CancelOnInterrupt& operator=(const CancelOnInterrupt&) = delete;
};

}  // namespace halcyon::cli
