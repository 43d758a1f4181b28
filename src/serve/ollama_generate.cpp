#include "serve/ollama_generate.h"

#include <utility>

#include "serve/ollama_text.h"

namespace halcyon::serve {

Outcome<std::unique_ptr<Exchange>> ollama_generate(const Services& services, const Json& body,
                                                   std::string client, Wake wake) {
  OllamaText text;
  text.form = OllamaText::Form::generate;
  Fields fields(body);
  TRY(static_cast<OllamaRequest&>(text), read_ollama(fields, services));
  read_ollama_text(fields, services.models.info(text.plan.model), text);
  std::string prompt, system;
  bool raw = false;
  fields.string("prompt", prompt);
  fields.string("system", system);
  fields.boolean("raw", raw);
  if (raw && !system.empty())
    fields.reject("system", "is not possible with \"raw\": there is no template then");
  fields.only("template", "");  // Ollama's are in Go's language
  fields.only("suffix", "");
  fields.only("context", Json::array());  // of an earlier answer; deprecated
  fields.only("images", Json::array());
  CHECK_OK(fields.finish());
  if (raw) {
    text.raw = std::move(prompt);
  } else if (!prompt.empty()) {
    if (!system.empty()) text.messages.push_back({{"role", "system"}, {"content", std::move(system)}});
    text.messages.push_back({{"role", "user"}, {"content", std::move(prompt)}});
  }
  return ollama_text(services, std::move(text), std::move(client), std::move(wake));
}

}  // namespace halcyon::serve
