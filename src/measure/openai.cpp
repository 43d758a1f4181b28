// OpenAI's API, which almost every server has: POST /v1/completions, or where there is none
// /v1/chat/completions.
#include <algorithm>
#include <array>

#include "base/quote.h"
#include "measure/dialects.h"
#include "measure/exchange.h"

namespace halcyon::measure {
namespace {

bool has_text(const Json& event, const char* path) { return !string_at(event, path).value_or("").empty(); }

class OpenAi final : public Dialect {
 public:
  OpenAi(HttpClient& client, Json models) : client_(client), models_(std::move(models)) {}

  std::string_view name() const override { return "openai"; }

  Result<std::vector<std::string>> models() override {
    std::vector<std::string> names;
    for (const Json& model : models_.at("data"))
      if (auto id = string_at(model, "/id")) names.push_back(std::move(*id));
    return names;
  }

  /// There is no request for this alone: a token is generated. On the way it finds out which of the ways to
  /// ask the server understands.
  Result<void> load() override {
    const Prompt prompt = {.text = "Load.", .raw = true, .tokens = {}};
    std::string refused;
    for (const Way way : {Way{.chat = false, .ignore_eos = true}, Way{.chat = false, .ignore_eos = false},
                          Way{.chat = true, .ignore_eos = true}, Way{.chat = true, .ignore_eos = false}}) {
      way_ = way;
      TRY(const Generation answer, generate(prompt, {.max_tokens = 1}, [] {}));
      if (answer.refused.empty()) return {};
      refused = answer.refused;
    }
    return fail("{}: neither /v1/completions nor /v1/chat/completions is answered: {}", client_.url().text(),
                refused);
  }

  std::string version() override {  // vLLM tells
    const Result<Json> version = get_json(client_, "/version");
    return version ? string_at(*version, "/version").value_or("") : "";
  }

  std::optional<int> context() override {  // vLLM and SGLang tell
    for (const Json& model : models_.at("data"))
      if (string_at(model, "/id") == model_) return count_at(model, "/max_model_len");
    return std::nullopt;
  }

  Result<Generation> generate(const Prompt& prompt, const GenerateOptions& options,
                              const OnFirst& on_first) override {
    StreamRequest request = {.path = way_.chat ? "/v1/chat/completions" : "/v1/completions",
                             .body = {{"model", model_},
                                      {"max_tokens", options.max_tokens},
                                      {"temperature", 0},
                                      {"stream", true},
                                      {"stream_options", {{"include_usage", true}}}},
                             .max_tokens = options.max_tokens};
    if (way_.chat)
      request.body["messages"] = {{{"role", "user"}, {"content", prompt.text}}};
    else
      request.body["prompt"] = prompt.text;
    if (way_.ignore_eos) request.body["ignore_eos"] = options.ignore_eos;
    return follow(client_, request, read_event, on_first);
  }

 private:
  struct Way {
    bool chat, ignore_eos;
  };

  static bool read_event(const Json& event, Generation& generation) {
    if (const Json* usage = find(event, "/usage"); usage && usage->is_object()) {
      generation.cached_tokens = count_at(*usage, "/prompt_tokens_details/cached_tokens").value_or(0);
      generation.prompt_tokens = count_at(*usage, "/prompt_tokens");
      if (generation.prompt_tokens)
        *generation.prompt_tokens = std::max(0, *generation.prompt_tokens - generation.cached_tokens);
      generation.generated_tokens = count_at(*usage, "/completion_tokens");
    }
    read_timings(event, generation);
    if (string_at(event, "/choices/0/finish_reason")) generation.finished = true;  // not all send [DONE]
    return std::ranges::any_of(std::array{"/choices/0/text", "/choices/0/delta/content",
                                          "/choices/0/delta/reasoning", "/choices/0/delta/reasoning_content"},
                               [&](const char* path) { return has_text(event, path); });
  }

  HttpClient& client_;
  const Json models_;
  Way way_ = {.chat = false, .ignore_eos = true};
};

}  // namespace

std::unique_ptr<Dialect> make_openai(HttpClient& client, const Json& models) {
  return std::make_unique<OpenAi>(client, models);
}

}  // namespace halcyon::measure
