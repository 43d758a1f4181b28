#include "serve/chat_messages.h"

#include <algorithm>
#include <array>

#include "base/quote.h"

namespace halcyon::serve {
namespace {

constexpr std::array kRoles = {"system", "developer", "user", "assistant", "tool"};

Outcome<std::string> text_of(const Json& content, const std::string& where) {
  if (content.is_null()) return "";
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array())
    return refuse(ErrorKind::invalid_request, "\"{}.content\" has to be a string or a list of parts", where);
  std::string text;
  for (const Json& part : content) {
    const std::string type = part.is_object() && part.contains("type") && part["type"].is_string()
                                 ? part["type"].get<std::string>()
                                 : "";
    if (type != "text" && type != "input_text" && type != "refusal")
      return refuse(type.empty() ? ErrorKind::invalid_request : ErrorKind::not_supported,
                    "\"{}.content\" has a part of type {}; only text is possible", where, quote(type));
    const auto member = part.find(type == "refusal" ? "refusal" : "text");
    if (member == part.end() || !member->is_string())
      return refuse(ErrorKind::invalid_request, "\"{}.content\" has a part without text", where);
    text += member->get<std::string>();
  }
  return text;
}

Outcome<Json> calls_of(const Json& calls, const std::string& where) {
  if (!calls.is_array())
    return refuse(ErrorKind::invalid_request, "\"{}.tool_calls\" has to be a list", where);
  Json result = Json::array();
  for (const Json& call : calls) {
    const auto function = call.is_object() ? call.find("function") : call.end();
    if (!call.is_object() || function == call.end() || !function->is_object() ||
        !function->contains("name") || !(*function)["name"].is_string())
      return refuse(ErrorKind::invalid_request, "\"{}.tool_calls\" has a call without a function's name",
                    where);
    Json normal = call;
    Json arguments = function->value("arguments", Json::object());
    if (arguments.is_string()) {
      const Result<Json> parsed = parse_json(arguments.get<std::string>());
      if (parsed && parsed->is_object()) arguments = *parsed;
    }
    normal["function"]["arguments"] = std::move(arguments);
    result.push_back(std::move(normal));
  }
  return result;
}

Outcome<Json> read_message(const Json& message, const std::string& where) {
  if (!message.is_object()) return refuse(ErrorKind::invalid_request, "\"{}\" has to be an object", where);
  const auto role = message.find("role");
  if (role == message.end() || !role->is_string() ||
      std::ranges::find(kRoles, role->get<std::string>()) == kRoles.end())
    return refuse(ErrorKind::invalid_request,
                  "\"{}.role\" has to be system, developer, user, assistant or tool", where);
  if (message.contains("images") && !message["images"].empty())
    return refuse(ErrorKind::not_supported, "\"{}.images\" is not supported: only text is possible", where);
  Json normal = message;
  if (*role == "developer")
    normal["role"] = "system";  // OpenAI's newer name for it; templates know the older
  const auto content = message.find("content");
  const auto calls = message.find("tool_calls");
  const bool has_calls = calls != message.end() && !calls->is_null() && !calls->empty();
  if (content == message.end() && !has_calls)
    return refuse(ErrorKind::invalid_request, "\"{}\" has no content", where);
  TRY(normal["content"], text_of(content == message.end() ? Json() : *content, where));
  normal.erase("tool_calls");
  if (has_calls) {
    TRY(normal["tool_calls"], calls_of(*calls, where));
  }
  return normal;
}

}  // namespace

Outcome<Json> read_messages(const Json* messages) {
  if (!messages) return refuse(ErrorKind::invalid_request, "\"messages\" is missing");
  if (!messages->is_array()) return refuse(ErrorKind::invalid_request, "\"messages\" has to be a list");
  if (messages->empty())
    return refuse(ErrorKind::invalid_request, "\"messages\" is empty: there is nothing to answer");
  Json result = Json::array();
  for (size_t i = 0; i < messages->size(); ++i) {
    TRY(Json message, read_message((*messages)[i], fmt::format("messages[{}]", i)));
    result.push_back(std::move(message));
  }
  return result;
}

}  // namespace halcyon::serve
