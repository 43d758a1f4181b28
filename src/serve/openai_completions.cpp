#include "serve/openai_completions.h"

#include <algorithm>
#include <utility>

#include "serve/answer_json.h"
#include "serve/llama_prompt.h"
#include "serve/model_field.h"
#include "serve/sampling_fields.h"

namespace halcyon::serve {
namespace {

constexpr int32_t kDefaultMaxTokens = 16;
constexpr int32_t kMaxGenerations = 64;  ///< choices of all prompts together
constexpr int32_t kMaxLogprobs = 20;

struct CompletionsRequest {
  AnswerPlan plan;
  engine::Request request;  ///< but for its prompt
  Prompts prompts;
  int32_t n = 1;
  bool echo = false, include_usage = false;
};

/// How many choices there are to be, and of how many to choose them: of no more.
void read_choices(Fields& fields, CompletionsRequest& completions) {
  fields.integer("n", completions.n, 1, kMaxChoices);
  int32_t best_of = 1;
  fields.integer("best_of", best_of, 1, kMaxChoices);
  if (best_of != 1 && best_of != completions.n)
    fields.keep({ErrorKind::not_supported, "\"best_of\" is not supported, but for 1 and the value of \"n\"",
                 Json::object()});
  completions.plan.places = static_cast<int32_t>(completions.prompts.each.size()) * completions.n;
  if (completions.plan.places > kMaxGenerations)
    fields.reject("prompt", "asks for {} choices together with \"n\"; at most {} are possible in one request",
                  completions.plan.places, kMaxGenerations);
}

void read_echo(Fields& fields, CompletionsRequest& completions) {
  fields.integer("logprobs", completions.request.n_probs, 0, kMaxLogprobs);
  fields.boolean("echo", completions.echo);
  if (completions.echo && completions.request.n_probs >= 0)
    fields.keep({ErrorKind::not_supported,
                 "\"echo\" is not supported together with \"logprobs\": a prompt's tokens have none",
                 Json::object()});
}

Outcome<CompletionsRequest> read_completions(const Services& services, const Json& body) {
  CompletionsRequest completions;
  Fields fields(body);
  TRY(completions.plan.model, read_model(fields, services.models));
  completions.prompts = read_prompts(fields, "prompt", kMaxGenerations);
  read_choices(fields, completions);
  fields.boolean("stream", completions.plan.stream);
  completions.plan.content_type = "text/event-stream";
  completions.include_usage = read_stream_options(fields, completions.plan.stream);
  completions.request.max_tokens = kDefaultMaxTokens;
  fields.integer("max_tokens", completions.request.max_tokens, -1, INT32_MAX);
  fields.integer("n_predict", completions.request.max_tokens, -1, INT32_MAX);
  read_sampling(fields, completions.request);
  read_grammar(fields, completions.request);
  read_echo(fields, completions);
  fields.only("suffix", "");
  fields.accept({"user"});
  CHECK_OK(fields.finish());
  return completions;
}

/// What OpenAI says of the tokens of a completion, in four lists of the same length.
class TokenLogprobs {
 public:
  void add(const tokenizer::Tokenizer& tokenizer, engine::Token token, const engine::Logprobs& logprobs) {
    const std::string piece = tokenizer.piece(token, true);
    const std::string text = name_of(piece);
    Json top = Json::object();
    for (const auto& [other, logprob] : logprobs.top)
      top[name_of(tokenizer.piece(other, true))] = finite(logprob);
    top[text] = finite(logprobs.chosen);
    tokens_.push_back(text);
    token_logprobs_.push_back(finite(logprobs.chosen));
    top_logprobs_.push_back(std::move(top));
    text_offset_.push_back(offset_);
    offset_ += static_cast<size_t>(std::ranges::count_if(piece, [](char c) { return (c & 0xC0) != 0x80; }));
  }

  /// Those that were not taken yet; null if there are none.
  Json take() {
    if (tokens_.empty()) return nullptr;
    return {{"tokens", std::exchange(tokens_, Json::array())},
            {"token_logprobs", std::exchange(token_logprobs_, Json::array())},
            {"top_logprobs", std::exchange(top_logprobs_, Json::array())},
            {"text_offset", std::exchange(text_offset_, Json::array())}};
  }

 private:
  /// OpenAI's way of writing a token that is part of a character: "bytes:\xe2\x82".
  static std::string name_of(const std::string& piece) {
    if (is_utf8(piece)) return piece;
    std::string name = "bytes:";
    for (const char c : piece) name += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    return name;
  }

  Json tokens_ = Json::array(), token_logprobs_ = Json::array(), top_logprobs_ = Json::array(),
       text_offset_ = Json::array();
  size_t offset_ = 0;  ///< characters
};

class CompletionsExchange final : public GenerationExchange {
 public:
  CompletionsExchange(const Services& services, CompletionsRequest completions, std::string client, Wake wake)
      : GenerationExchange(services, completions.plan, std::move(client), std::move(wake)),
        completions_(std::move(completions)) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    const tokenizer::Tokenizer& tokenizer = lease.engine().tokenizer();
    std::vector<engine::Request> requests;
    for (const Json& prompt : completions_.prompts.each) {
      TRY(const auto tokens, of_request(encode(tokenizer, prompt)));
      std::string text;
      if (completions_.echo)
        text = prompt.is_string() ? prompt.get<std::string>() : tokenizer.decode(tokens, {.special = true});
      for (int32_t i = 0; i < completions_.n; ++i) {
        engine::Request& request = requests.emplace_back(completions_.request);
        request.prompt = tokens;
        if (auto& seed = request.sampling.seed) *seed += static_cast<uint64_t>(i);
        choices_.emplace_back().text = text;
      }
    }
    return requests;
  }

  void on_event(size_t i, engine::Event& event, std::string& out) override {
    Choice& choice = choices_[i];
    if (event.token && event.logprobs)
      choice.logprobs.add(lease().engine().tokenizer(), *event.token, *event.logprobs);
    choice.text += event.text;
    if (stream() && !choice.text.empty()) out += sse(answer(Json::array({choice_json(i, false)})));
    if (!event.finish) return;
    choice.finish = std::move(*event.finish);
    usage_.add(choice.finish.timings, i % static_cast<size_t>(completions_.n) == 0);
    if (!stream()) return;
    Json last = answer(Json::array({choice_json(i, true)}));
    last["timings"] = timings_json(choice.finish.timings);
    out += sse(last);
  }

  void end(std::string& out) override {
    if (stream()) {
      if (completions_.include_usage) {
        Json last = answer(Json::array());
        last["usage"] = usage_json(usage_);
        out += sse(last);
      }
      out += kSseDone;
      return;
    }
    Json all = Json::array();
    for (size_t i = 0; i < choices_.size(); ++i) all.push_back(choice_json(i, true));
    Json whole = answer(std::move(all));
    whole["usage"] = usage_json(usage_);
    whole["timings"] = timings_json(choices_.front().finish.timings);
    out = to_text(whole);
  }

 private:
  struct Choice {
    std::string text;        ///< not sent yet
    TokenLogprobs logprobs;  ///< likewise
    engine::Finish finish;
  };

  Json choice_json(size_t i, bool ended) {
    Choice& choice = choices_[i];
    const bool length = choice.finish.reason == engine::FinishReason::length;
    return {{"text", std::exchange(choice.text, {})},
            {"index", i},
            {"logprobs", choice.logprobs.take()},
            {"finish_reason", ended ? Json(length ? "length" : "stop") : Json()}};
  }

  Json answer(Json choices) const {
    return {{"id", id_},
            {"object", "text_completion"},
            {"created", created_},
            {"model", lease().info().name},
            {"choices", std::move(choices)}};
  }

  const CompletionsRequest completions_;
  const std::string id_ = random_id("cmpl-");
  const int64_t created_ = unix_time();
  std::vector<Choice> choices_;
  Usage usage_;
};

}  // namespace

Outcome<std::unique_ptr<Exchange>> openai_completions(const Services& services, const Json& body,
                                                      std::string client, Wake wake) {
  TRY(CompletionsRequest completions, read_completions(services, body));
  return std::make_unique<CompletionsExchange>(services, std::move(completions), std::move(client),
                                               std::move(wake));
}

}  // namespace halcyon::serve
