// Finds the tool calls in what a model writes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace halcyon::serve {

/// How a model was trained to write a call.
enum class ToolFormat {
  hermes,  ///< Hermes, Qwen: <tool_call>{"name": …, "arguments": {…}}</tool_call>, with text around it
  llama3,  ///< Llama 3.1: {"name": …, "parameters": {…}} as the whole answer
};

/// The format that a chat template asks the model for; Hermes if it doesn't say.
ToolFormat detect_tool_format(std::string_view chat_template);

struct ToolCall {
  std::string name;
  std::string arguments;  ///< a JSON object as compact text
  bool operator==(const ToolCall&) const = default;
};

/// A piece of text that is no call, or a call, whole: calls are held back until they are complete, since one
/// that turns out to be none is given back as text.
using ToolEvent = std::variant<std::string, ToolCall>;

/// Divides an answer, cut anywhere, into text and calls. Nothing is lost but white space around calls: what
/// is no valid call, is cut off, or is larger than kMaxBytes comes out as the text that it was.
class ToolCallParser {
 public:
  static constexpr size_t kMaxBytes = 1 << 20;  ///< of text that is held back

  virtual ~ToolCallParser() = default;

  /// Adds text and returns what is certain by now.
  virtual std::vector<ToolEvent> push(std::string_view text) = 0;

  /// What was held back, at the end of the answer.
  virtual std::vector<ToolEvent> finish() = 0;
};

/// `names` are those of the request's tools. In the format of Llama 3.1 an object that names none of them is
/// text; in Hermes' the tags say that it is a call.
std::unique_ptr<ToolCallParser> make_tool_call_parser(ToolFormat format, std::vector<std::string> names);

struct ToolAnswer {
  std::string text;
  std::vector<ToolCall> calls;
  bool operator==(const ToolAnswer&) const = default;
};

/// A whole answer at once.
ToolAnswer parse_tool_calls(ToolFormat format, std::vector<std::string> names, std::string_view answer);

}  // namespace halcyon::serve
