#include "serve/chat_tools.h"

#include <algorithm>

#include "base/quote.h"
#include "serve/sampling_fields.h"
#include "serve/tool_schema.h"

namespace halcyon::serve {
namespace {

/// Makes the answer one call of one of the tools, or of `forced`.
void demand_call(Fields& fields, const ChatTools& tools, std::optional<std::string_view> forced,
                 engine::Request& request) {
  const Result<Json> schema = call_schema(tools.tools, forced);
  if (!schema) return fields.reject("tool_choice", "can't be followed: {}", schema.error().message);
  const bool tags = tools.format == ToolFormat::hermes;
  set_grammar(
      fields, "tool_choice",
      grammar::Grammar::from_json_schema(*schema, tags ? "<tool_call>\n" : "", tags ? "\n</tool_call>" : ""),
      request);
}

}  // namespace

ChatTools read_tools(Fields& fields, std::string_view chat_template, engine::Request& request) {
  ChatTools result;
  result.format = detect_tool_format(chat_template);
  const Json* tools = fields.find("tools");
  const Json* choice = fields.find("tool_choice");
  fields.boolean("parallel_tool_calls", result.parallel);
  if (!tools || (tools->is_array() && tools->empty())) {
    if (choice && *choice != "none" && *choice != "auto") fields.reject("tool_choice", "needs \"tools\"");
    return result;
  }
  Result<std::vector<std::string>> names = tool_names(*tools);
  if (!names) {
    fields.reject("tools", "is wrong: {}", names.error().message);
    return result;
  }
  if (choice && *choice == "none") return result;
  result.tools = *tools;
  result.names = std::move(*names);
  if (!choice || *choice == "auto") return result;
  if (*choice == "required") {
    demand_call(fields, result, std::nullopt, request);
  } else if (choice->is_object() && choice->contains("function") && (*choice)["function"].is_object() &&
             (*choice)["function"].contains("name") && (*choice)["function"]["name"].is_string()) {
    const auto& name = (*choice)["function"]["name"].get_ref<const std::string&>();
    if (std::ranges::find(result.names, name) == result.names.end()) {
      fields.reject("tool_choice", "names {}, which is none of the tools", quote(name));
    } else {
      demand_call(fields, result, name, request);
    }
  } else {
    fields.reject("tool_choice", "has to be \"none\", \"auto\", \"required\" or a function");
  }
  return result;
}

}  // namespace halcyon::serve
