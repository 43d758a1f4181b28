#include "serve/ollama_chat.h"

#include <utility>

#include "base/quote.h"
#include "serve/chat_messages.h"
#include "serve/ollama_text.h"

namespace halcyon::serve {
namespace {

/// Ollama's names of members, and those that chat templates know.
void rename(Json& message, const char* from, const char* to) {
  const auto member = message.find(from);
  if (member == message.end()) return;
  if (!message.contains(to)) message[to] = *member;
  message.erase(from);
}

}  // namespace

Outcome<std::unique_ptr<Exchange>> ollama_chat(const Services& services, const Json& body, std::string client,
                                               Wake wake) {
  OllamaText chat;
  Fields fields(body);
  TRY(static_cast<OllamaRequest&>(chat), read_ollama(fields, services));
  const ModelInfo& info = services.models.info(chat.plan.model);
  read_ollama_text(fields, info, chat);
  chat.tools = read_tools(fields, info.chat_template, chat.request);
  if (!chat.tools.tools.empty() && !info.calls_tools)
    fields.reject("tools", "is not possible: {} does not support tools", quote(info.name));
  const Json* messages = fields.find("messages");
  CHECK_OK(fields.finish());
  if (messages && !(messages->is_array() && messages->empty())) {
    TRY(chat.messages, read_messages(messages));
  }
  for (Json& message : chat.messages) {
    rename(message, "thinking", "reasoning_content");
    rename(message, "tool_name", "name");
  }
  if (!chat.tools.tools.empty()) chat.template_values["tools"] = chat.tools.tools;
  return ollama_text(services, std::move(chat), std::move(client), std::move(wake));
}

}  // namespace halcyon::serve
