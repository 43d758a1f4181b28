// llama-server's own API: POST /completion, with `timings`.
#include <filesystem>

#include "measure/dialects.h"
#include "measure/exchange.h"

namespace halcyon::measure {
namespace {

class LlamaServer final : public Dialect {
 public:
  LlamaServer(HttpClient& client, Json props) : client_(client), props_(std::move(props)) {}

  std::string_view name() const override { return "llama-server"; }

  Result<std::vector<std::string>> models() override {
    std::vector<std::string> names;
    // Public, and there in all versions; a server without it has the one model of /props.
    if (const Result<Json> models = get_json(client_, "/v1/models"); models) {
      if (const Json* data = find(*models, "/data"); data && data->is_array())
        for (const Json& model : *data)
          if (auto id = string_at(model, "/id")) names.push_back(std::move(*id));
    }
    if (names.empty()) names.push_back(std::filesystem::path(model_file()).filename());
    if (names.front().empty()) names.front() = "default";
    return names;
  }

  /// An empty prompt is answered without evaluating anything, by servers that have many models once the model
  /// is there. One that has no such request has loaded its model long since.
  Result<void> load() override {
    const Result<HttpAnswer> answer =
        client_.post("/completion",
                     to_text({{"model", model_}, {"prompt", ""}, {"n_predict", 0}, {"cache_prompt", false}}));
    if (!answer) return std::unexpected(answer.error());
    return {};
  }

  std::string version() override { return string_at(props_, "/build_info").value_or(""); }
  std::string model_file() override { return string_at(props_, "/model_path").value_or(""); }

  std::optional<int> context() override {
    const Result<Json> props = get_json(client_, "/props");  // known once the model is loaded
    const auto n = props ? count_at(*props, "/default_generation_settings/n_ctx") : std::nullopt;
    return n && *n > 0 ? n : std::nullopt;
  }

  std::optional<std::vector<int32_t>> tokenize(std::string_view text) override {
    const Result<Json> answer =
        post_json(client_, "/tokenize", {{"model", model_}, {"content", text}, {"add_special", false}});
    const Json* tokens = answer ? find(*answer, "/tokens") : nullptr;
    if (!tokens || !tokens->is_array() || tokens->empty()) return std::nullopt;
    std::vector<int32_t> ids;
    for (const Json& token : *tokens) {
      if (!token.is_number_integer()) return std::nullopt;
      ids.push_back(token.get<int32_t>());
    }
    return ids;
  }

  Result<Generation> generate(const Prompt& prompt, const GenerateOptions& options,
                              const OnFirst& on_first) override {
    const StreamRequest request = {
        .path = "/completion",
        .body = {{"model", model_},
                 {"prompt", prompt.tokens.empty() ? Json(prompt.text) : Json(prompt.tokens)},
                 {"n_predict", options.max_tokens},
                 {"ignore_eos", options.ignore_eos},
                 {"cache_prompt", false},
                 {"temperature", 0},
                 {"stream", true}},
        .max_tokens = options.max_tokens};
    return follow(client_, request, read_event, on_first);
  }

 private:
  static bool read_event(const Json& event, Generation& generation) {
    const Json* stop = find(event, "/stop");
    if (stop && *stop == false) return true;  // a token, even if its text is not complete yet
    generation.finished = stop != nullptr;
    generation.generated_tokens = count_at(event, "/tokens_predicted");
    generation.cached_tokens = count_at(event, "/timings/cache_n").value_or(0);
    generation.prompt_tokens = count_at(event, "/timings/prompt_n");
    if (!generation.prompt_tokens) generation.prompt_tokens = count_at(event, "/tokens_evaluated");
    read_timings(event, generation);
    return false;
  }

  HttpClient& client_;
  const Json props_;
};

}  // namespace

std::unique_ptr<Dialect> make_llama_server(HttpClient& client, const Json& props) {
  return std::make_unique<LlamaServer>(client, props);
}

}  // namespace halcyon::measure
