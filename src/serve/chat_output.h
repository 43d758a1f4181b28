// What a model writes in a chat, told apart: reasoning, tool calls, and the answer proper.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serve/reasoning.h"
#include "serve/tool_calls.h"

namespace halcyon::serve {

struct ChatDelta {
  std::string reasoning, content;
  std::vector<ToolCall> calls;
  bool empty() const { return reasoning.empty() && content.empty() && calls.empty(); }
};

class ChatOutput {
 public:
  /// `reasoning`: <think> is told apart; `parser`: nullptr if there are no tools.
  ChatOutput(std::optional<ReasoningSplitter> reasoning, std::unique_ptr<ToolCallParser> parser)
      : reasoning_(std::move(reasoning)), parser_(std::move(parser)) {}

  ChatDelta push(std::string_view text);
  ChatDelta finish();

 private:
  void add_content(std::string text, ChatDelta& delta);
  static void add_events(std::vector<ToolEvent> events, ChatDelta& delta);

  std::optional<ReasoningSplitter> reasoning_;
  std::unique_ptr<ToolCallParser> parser_;
};

}  // namespace halcyon::serve
