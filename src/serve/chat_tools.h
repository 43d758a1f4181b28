// The tools of a chat request: what the template is shown, how calls are found again, and what is enforced.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/request.h"
#include "serve/fields.h"
#include "serve/tool_calls.h"

namespace halcyon::serve {

struct ChatTools {
  Json tools = Json::array();  ///< for the template; empty: the model is not told of any
  std::vector<std::string> names;
  ToolFormat format = ToolFormat::hermes;
  bool parallel = true;  ///< more than one call in an answer

  /// nullptr if there are no tools.
  std::unique_ptr<ToolCallParser> parser() const {
    return names.empty() ? nullptr : make_tool_call_parser(format, names);
  }
};

/// Reads "tools", "tool_choice" and "parallel_tool_calls". A choice that demands a call becomes the request's
/// grammar.
ChatTools read_tools(Fields& fields, std::string_view chat_template, engine::Request& request);

}  // namespace halcyon::serve
