#include "serve/chat_output.h"

namespace halcyon::serve {

void ChatOutput::add_events(std::vector<ToolEvent> events, ChatDelta& delta) {
  for (ToolEvent& event : events) {
    if (auto* text = std::get_if<std::string>(&event)) {
      delta.content += *text;
    } else {
      delta.calls.push_back(std::move(std::get<ToolCall>(event)));
    }
  }
}

void ChatOutput::add_content(std::string text, ChatDelta& delta) {
  if (parser_) {
    add_events(parser_->push(text), delta);
  } else {
    delta.content += text;
  }
}

ChatDelta ChatOutput::push(std::string_view text) {
  ChatDelta delta;
  if (!reasoning_) {
    add_content(std::string(text), delta);
    return delta;
  }
  ReasoningSplitter::Parts parts = reasoning_->push(text);
  delta.reasoning = std::move(parts.reasoning);
  add_content(std::move(parts.content), delta);
  return delta;
}

ChatDelta ChatOutput::finish() {
  ChatDelta delta;
  if (reasoning_) {
    ReasoningSplitter::Parts parts = reasoning_->finish();
    delta.reasoning = std::move(parts.reasoning);
    add_content(std::move(parts.content), delta);
  }
  if (parser_) add_events(parser_->finish(), delta);
  return delta;
}

}  // namespace halcyon::serve
