#include "serve/ollama_models.h"

#include "serve/ollama_request.h"
#include "serve/ollama_time.h"

namespace halcyon::serve {
namespace {

/// Clients look at it to know what they may ask for: it names the Ollama whose chat, thinking, tools and
/// logprobs these are. Our own version would be taken for one before all of that.
constexpr std::string_view kOllamaVersion = "0.12.11";

/// Ollama's clients read so distant a time as "for ever".
constexpr std::chrono::hours kNeverExpires{100 * 365 * 24};

Json details(const ModelInfo& info) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", info.architecture},
          {"families", Json::array({info.architecture})},
          {"parameter_size", info.parameter_size},
          {"quantization_level", info.quantization}};
}

Json capabilities(const ModelInfo& info) {
  // Ollama's rule: a model with a pooling type is there for its embeddings.
  const bool embeds = info.metadata.contains(info.architecture + ".pooling_type");
  Json json = Json::array({embeds ? "embedding" : "completion"});
  if (!embeds && info.calls_tools) json.push_back("tools");
  if (!embeds && info.thinks) json.push_back("thinking");
  return json;
}

}  // namespace

Outcome<std::unique_ptr<Exchange>> ollama_version(const Services&) {
  return json_reply({{"version", kOllamaVersion}});
}

Outcome<std::unique_ptr<Exchange>> ollama_tags(const Services& services) {
  Json models = Json::array();
  for (size_t i = 0; i < services.models.size(); ++i) {
    const ModelInfo& info = services.models.info(i);
    const std::string name = ollama_name(info);
    models.push_back({{"name", name},
                      {"model", name},
                      {"modified_at", rfc3339(info.modified)},
                      {"size", info.size},
                      {"digest", info.digest},
                      {"details", details(info)}});
  }
  return json_reply({{"models", std::move(models)}});
}

Outcome<std::unique_ptr<Exchange>> ollama_ps(const Services& services) {
  Json models = Json::array();
  for (size_t i = 0; i < services.models.size(); ++i) {
    const ModelStore::State state = services.models.state(i);
    if (!state.loaded) continue;
    const ModelInfo& info = services.models.info(i);
    const std::string name = ollama_name(info);
    // While a model is in use there is no end of it to be seen.
    const std::chrono::nanoseconds left =
        state.expires ? *state.expires - ModelStore::Clock::now() : kNeverExpires;
    models.push_back({{"name", name},
                      {"model", name},
                      {"size", state.weight_bytes},
                      {"digest", info.digest},
                      {"details", details(info)},
                      {"expires_at", rfc3339_in(left)},
                      {"size_vram", 0},
                      {"context_length", state.n_ctx}});
  }
  return json_reply({{"models", std::move(models)}});
}

Outcome<std::unique_ptr<Exchange>> ollama_show(const Services& services, const Json& body) {
  Fields fields(body);
  const char* member = fields.find("model") ? "model" : "name";  // "name" is what it was called once
  fields.accept({"model", "name"});
  TRY(const size_t index, read_model(fields, services.models, member));
  fields.only("verbose", false);
  fields.only("system", "");
  fields.only("template", "");
  CHECK_OK(fields.finish());
  const ModelInfo& info = services.models.info(index);
  Json metadata = info.metadata;
  metadata.erase("tokenizer.chat_template");
  metadata["general.parameter_count"] = info.n_params;
  return json_reply({{"parameters", ""},
                     {"template", info.chat_template},
                     {"details", details(info)},
                     {"model_info", std::move(metadata)},
                     {"capabilities", capabilities(info)},
                     {"modified_at", rfc3339(info.modified)}});
}

}  // namespace halcyon::serve
