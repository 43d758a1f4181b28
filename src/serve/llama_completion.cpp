#include "serve/llama_completion.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "serve/answer_json.h"
#include "serve/llama_prompt.h"
#include "serve/llama_settings.h"
#include "serve/model_field.h"
#include "serve/sampling_fields.h"

namespace halcyon::serve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxPrompts = 64;
constexpr size_t kMaxResponseFields = 64;
constexpr int32_t kMaxProbs = 100;
constexpr int32_t kAnySlot = -1;

struct CompletionRequest {
  AnswerPlan plan;
  CompletionSettings settings;
  Prompts prompts;
  bool return_tokens = false;
  std::vector<std::string> response_fields;  ///< of the last object; empty: all
};

/// What is known of llama-server and not to be had here, but for the values that ask for nothing.
void refuse_the_rest(Fields& fields) {
  for (const char* name : {"n_keep", "n_discard", "n_indent"}) fields.only(name, 0);
  for (const char* name : {"return_progress", "post_sampling_probs", "backend_sampling"})
    fields.only(name, false);
  fields.only("id_slot", kAnySlot);
  fields.only("samplers", sampler_names());
  if (const Json* limit = fields.find("t_max_predict_ms"); limit && *limit != 0 && *limit != -1)
    fields.only("t_max_predict_ms", -1);
}

Outcome<CompletionRequest> read_completion(const Services& services, const Json& body) {
  CompletionRequest completion;
  engine::Request& request = completion.settings.request;
  Fields fields(body);
  TRY(completion.plan.model, read_model(fields, services.models));
  completion.prompts = read_prompts(fields, "prompt", kMaxPrompts);
  completion.plan.places = static_cast<int32_t>(completion.prompts.each.size());
  fields.boolean("stream", completion.settings.stream);
  completion.plan.stream = completion.settings.stream;
  completion.plan.content_type = "text/event-stream";
  fields.integer("max_tokens", request.max_tokens, -1, INT32_MAX);
  fields.integer("n_predict", request.max_tokens, -1, INT32_MAX);
  read_sampling(fields, request);
  if (request.sampling.seed == kRandomSeed) request.sampling.seed.reset();
  fields.string("grammar", completion.settings.grammar);
  read_grammar(fields, request);
  int32_t n_probs = 0;
  fields.integer("n_probs", n_probs, 0, kMaxProbs);
  if (n_probs > 0) request.n_probs = n_probs;
  fields.boolean("return_tokens", completion.return_tokens);
  fields.boolean("timings_per_token", completion.settings.timings_per_token);
  fields.strings("response_fields", completion.response_fields, kMaxResponseFields);
  refuse_the_rest(fields);
  CHECK_OK(fields.finish());
  return completion;
}

/// The members at paths such as "timings/predicted_n", each under its path; those that are not there are left
/// out.
Json select(const Json& object, const std::vector<std::string>& paths) {
  Json selected = Json::object();
  for (const std::string& path : paths) {
    const Json* at = &object;
    for (std::string_view rest = path; at;) {
      const size_t slash = rest.find('/');
      const auto member = at->is_object() ? at->find(rest.substr(0, slash)) : at->end();
      at = at->is_object() && member != at->end() ? &*member : nullptr;
      if (slash == std::string_view::npos) break;
      rest.remove_prefix(slash + 1);
    }
    if (at) selected[path] = *at;
  }
  return selected;
}

class CompletionExchange final : public GenerationExchange {
 public:
  CompletionExchange(const Services& services, CompletionRequest completion, std::string client, Wake wake)
      : GenerationExchange(services, completion.plan, std::move(client), std::move(wake)),
        completion_(std::move(completion)) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    const tokenizer::Tokenizer& tokenizer = lease.engine().tokenizer();
    std::vector<engine::Request> requests;
    for (const Json& prompt : completion_.prompts.each) {
      requests.push_back(completion_.settings.request);
      TRY(requests.back().prompt, of_request(encode(tokenizer, prompt)));
      Answer& answer = answers_.emplace_back();
      answer.prompt = tokenizer.decode(requests.back().prompt, {.special = true});
      answer.n_prompt = requests.back().prompt.size();
    }
    return requests;
  }

  void on_event(size_t i, engine::Event& event, std::string& out) override {
    Answer& answer = answers_[i];
    if (event.token) {
      if (answer.n_predicted++ == 0) answer.begin = Clock::now();
      answer.tokens.push_back(*event.token);
      if (event.logprobs)
        answer.probabilities.push_back(
            logprob_json(lease().engine().tokenizer(), *event.token, *event.logprobs, true));
    }
    answer.content += event.text;
    answer.has_new_line |= event.text.contains('\n');
    if (event.finish) answer.finish = std::move(*event.finish);
    if (!stream()) return;
    // A token whose text is not known yet comes with those that complete it.
    if (!answer.content.empty() || (event.finish && !answer.tokens.empty())) out += sse(partial(i));
    if (event.finish) out += sse(last(i));
  }

  void end(std::string& out) override {
    if (stream()) return;
    Json all = Json::array();
    for (size_t i = 0; i < answers_.size(); ++i) all.push_back(last(i));
    out = to_text(completion_.prompts.is_list ? all : all.front());
  }

 private:
  struct Answer {
    std::string prompt;
    size_t n_prompt = 0, n_predicted = 0;  ///< tokens
    Clock::time_point begin;               ///< when the first token was there
    bool has_new_line = false;
    engine::Finish finish;

    // Not sent yet.
    std::string content;
    std::vector<engine::Token> tokens;
    Json probabilities = Json::array();
  };

  /// What has come since the last event of the stream.
  Json partial(size_t i) {
    Answer& answer = answers_[i];
    Json json = {{"index", i},
                 {"content", std::exchange(answer.content, {})},
                 {"tokens", std::exchange(answer.tokens, {})},
                 {"stop", false},
                 {"id_slot", kAnySlot},
                 {"tokens_predicted", answer.n_predicted},
                 {"tokens_evaluated", answer.n_prompt}};
    if (completion_.settings.timings_per_token) json["timings"] = progress(answer);
    if (!answer.probabilities.empty())
      json["completion_probabilities"] = std::exchange(answer.probabilities, Json::array());
    return json;
  }

  /// Timings so far. What the prompt took is known with the last object.
  static Json progress(const Answer& answer) {
    const std::chrono::duration<double, std::milli> time = Clock::now() - answer.begin;
    const double ms = std::max(time.count(), 1e-3);
    const auto n = static_cast<double>(answer.n_predicted);
    return {{"predicted_n", answer.n_predicted},
            {"predicted_ms", ms},
            {"predicted_per_token_ms", n > 0 ? ms / n : 0},
            {"predicted_per_second", 1e3 * n / ms}};
  }

  bool is_full(const Answer& answer) const {
    return answer.finish.reason == engine::FinishReason::length &&
           answer.finish.timings.predicted_n != completion_.settings.request.max_tokens;
  }

  static std::string_view stop_type(const engine::Finish& finish) {
    if (finish.reason == engine::FinishReason::length) return "limit";
    if (finish.reason != engine::FinishReason::stop) return "none";
    return finish.stop_string.empty() ? "eos" : "word";
  }

  Json last(size_t i) {
    Answer& answer = answers_[i];
    const engine::Timings& timings = answer.finish.timings;
    Json tokens = Json::array();
    if (completion_.return_tokens) tokens = std::move(answer.tokens);
    Json json = {{"index", i},
                 {"content", std::move(answer.content)},
                 {"tokens", std::move(tokens)},
                 {"id_slot", kAnySlot},
                 {"stop", true},
                 {"model", lease().info().name},
                 {"tokens_predicted", timings.predicted_n},
                 {"tokens_evaluated", answer.n_prompt},
                 {"generation_settings", settings_json(completion_.settings)},
                 {"prompt", answer.prompt},
                 {"has_new_line", answer.has_new_line},
                 {"truncated", is_full(answer)},
                 {"stop_type", stop_type(answer.finish)},
                 {"stopping_word", answer.finish.stop_string},
                 // The token sampled last was not evaluated any more.
                 {"tokens_cached", timings.cache_n + timings.prompt_n + std::max(timings.predicted_n - 1, 0)},
                 {"timings", timings_json(timings)}};
    if (!answer.probabilities.empty()) json["completion_probabilities"] = std::move(answer.probabilities);
    return completion_.response_fields.empty() ? json : select(json, completion_.response_fields);
  }

  const CompletionRequest completion_;
  std::vector<Answer> answers_;
};

}  // namespace

Outcome<std::unique_ptr<Exchange>> llama_completion(const Services& services, const Json& body,
                                                    std::string client, Wake wake) {
  TRY(CompletionRequest completion, read_completion(services, body));
  return std::make_unique<CompletionExchange>(services, std::move(completion), std::move(client),
                                              std::move(wake));
}

}  // namespace halcyon::serve
