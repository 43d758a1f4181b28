// The answers of /api/chat and /api/generate, which differ in the form of their pieces only.
#pragma once

#include "serve/chat_tools.h"
#include "serve/ollama_request.h"

namespace halcyon::serve {

struct OllamaText : OllamaRequest {
  enum class Form {
    chat,      ///< {"message": {"role", "content", "thinking", "tool_calls"}}
    generate,  ///< {"response", "thinking"}
  } form = Form::chat;
  Json messages = Json::array();
  std::string raw;  ///< the prompt as it is, instead of messages
  ChatTools tools;
};

/// What to answer with. Without messages and raw prompt the model is only loaded, or unloaded if it is to be
/// kept for no time at all.
Outcome<std::unique_ptr<Exchange>> ollama_text(const Services& services, OllamaText text, std::string client,
                                               Wake wake);

}  // namespace halcyon::serve
