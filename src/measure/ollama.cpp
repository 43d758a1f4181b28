// Ollama's API: POST /api/generate, with durations.
#include "base/quote.h"
#include "measure/dialects.h"
#include "measure/exchange.h"

namespace halcyon::measure {
namespace {

class Ollama final : public Dialect {
 public:
  Ollama(HttpClient& client, std::string version) : client_(client), version_(std::move(version)) {}

  std::string_view name() const override { return "ollama"; }

  Result<std::vector<std::string>> models() override {
    TRY(const Json tags, get_json(client_, "/api/tags"));
    return names_in(tags);
  }

  std::optional<std::vector<std::string>> loaded_models() override {
    const Result<Json> running = get_json(client_, "/api/ps");
    return running ? std::optional(names_in(*running)) : std::nullopt;
  }

  /// An empty prompt loads the model.
  Result<void> load() override {
    TRY(const Json loaded, post_json(client_, "/api/generate", {{"model", model_}, {"stream", false}}));
    if (const auto error = error_in(loaded)) return fail("loading {}: {}", quote(model_), quote(*error));
    return {};
  }

  std::string version() override { return "ollama " + version_; }

  std::string model_file() override {
    const Result<Json> tags = get_json(client_, "/api/tags");
    const Json* entry = tags ? entry_of_model(*tags) : nullptr;
    return entry ? string_at(*entry, "/digest").value_or("") : "";
  }

  std::optional<int> context() override {
    const Result<Json> running = get_json(client_, "/api/ps");
    const Json* entry = running ? entry_of_model(*running) : nullptr;
    return entry ? count_at(*entry, "/context_length") : std::nullopt;
  }

  Result<Generation> generate(const Prompt& prompt, const GenerateOptions& options,
                              const OnFirst& on_first) override {
    const StreamRequest request = {
        .path = "/api/generate",
        .body = {{"model", model_},
                 {"prompt", prompt.text},
                 {"raw", prompt.raw},
                 {"stream", true},
                 {"options", {{"num_predict", options.max_tokens}, {"temperature", 0}}}},
        .format = EventStream::Format::ndjson,
        .max_tokens = options.max_tokens};
    return follow(client_, request, read_event, on_first);
  }

 private:
  static std::vector<std::string> names_in(const Json& list) {
    std::vector<std::string> names;
    if (const Json* models = find(list, "/models"); models && models->is_array())
      for (const Json& model : *models)
        if (auto name = string_at(model, "/name")) names.push_back(std::move(*name));
    return names;
  }

  const Json* entry_of_model(const Json& list) const {
    const Json* models = find(list, "/models");
    if (!models || !models->is_array()) return nullptr;
    for (const Json& entry : *models) {
      const auto name = string_at(entry, "/name");
      if (name == model_ || name == model_ + ":latest") return &entry;
    }
    return nullptr;
  }

  static bool read_event(const Json& event, Generation& generation) {
    const Json* done = find(event, "/done");
    if (done && *done == true) {
      generation.finished = true;
      generation.prompt_tokens = count_at(event, "/prompt_eval_count");
      generation.generated_tokens = count_at(event, "/eval_count");
      generation.server_prefill_tps = rate(event, "/prompt_eval_count", "/prompt_eval_duration");
      generation.server_decode_tps = rate(event, "/eval_count", "/eval_duration");
      return false;
    }
    return !string_at(event, "/response").value_or("").empty() ||
           !string_at(event, "/thinking").value_or("").empty();
  }

  /// Tokens per second from a count and nanoseconds.
  static std::optional<double> rate(const Json& event, const char* count, const char* duration) {
    const auto tokens = count_at(event, count);
    const auto ns = number_at(event, duration);
    return tokens && ns && *ns > 0 ? std::optional(*tokens / (*ns * 1e-9)) : std::nullopt;
  }

  HttpClient& client_;
  const std::string version_;
};

}  // namespace

std::unique_ptr<Dialect> make_ollama(HttpClient& client, const Json& version) {
  return std::make_unique<Ollama>(client, string_at(version, "/version").value_or(""));
}

}  // namespace halcyon::measure
