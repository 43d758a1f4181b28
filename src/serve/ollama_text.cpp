#include "serve/ollama_text.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "serve/answer_json.h"
#include "serve/chat_output.h"
#include "serve/ollama_time.h"

namespace halcyon::serve {
namespace {

using Clock = std::chrono::steady_clock;

/// One object of an answer, with a piece of it.
Json frame(const OllamaText& text, const ChatDelta& delta, bool done) {
  Json json = {{"model", text.name}, {"created_at", rfc3339_now()}};
  if (text.form == OllamaText::Form::generate) {
    json["response"] = delta.content;
    if (!delta.reasoning.empty()) json["thinking"] = delta.reasoning;
  } else {
    Json message = {{"role", "assistant"}, {"content", delta.content}};
    if (!delta.reasoning.empty()) message["thinking"] = delta.reasoning;
    for (const ToolCall& call : delta.calls) {
      Result<Json> arguments = parse_json(call.arguments);
      message["tool_calls"].push_back(
          {{"id", random_id("call_")},
           {"function",
            {{"name", call.name}, {"arguments", arguments ? std::move(*arguments) : Json::object()}}}});
    }
    json["message"] = std::move(message);
  }
  json["done"] = done;
  return json;
}

class TextExchange final : public GenerationExchange {
 public:
  TextExchange(const Services& services, OllamaText text, std::string client, Wake wake)
      : GenerationExchange(services, text.plan, std::move(client), std::move(wake)), text_(std::move(text)) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    const engine::Engine& engine = lease.engine();
    CHECK_OK(check_num_ctx(text_, engine));
    std::string prompt = text_.raw;
    if (prompt.empty()) {
      TRY(prompt, of_request(engine.chat_text(text_.messages, text_.template_values)));
    }
    TRY(text_.request.prompt, of_request(engine::encode_prompt(engine.tokenizer(), prompt)));
    // What a grammar describes is the whole answer.
    const bool split =
        text_.raw.empty() && text_.think.value_or(lease.info().thinks) && !text_.request.grammar;
    output_.emplace(split ? std::optional(ReasoningSplitter(opens_reasoning(prompt))) : std::nullopt,
                    text_.tools.parser());
    return std::vector{text_.request};
  }

  void on_event(size_t, engine::Event& event, std::string& out) override {
    if (event.logprobs && event.token)
      logprobs_.push_back(logprob_json(lease().engine().tokenizer(), *event.token, *event.logprobs, false));
    add(output_->push(event.text), out);
    if (!event.finish) return;
    add(output_->finish(), out);
    finish_ = std::move(*event.finish);
  }

  void end(std::string& out) override {
    Json last = frame(text_, whole_, true);
    add_logprobs(last);
    const engine::Timings& timings = finish_.timings;
    last["done_reason"] = finish_.reason == engine::FinishReason::length ? "length" : "stop";
    last["total_duration"] = std::chrono::nanoseconds(Clock::now() - start_).count();
    last["load_duration"] = nanoseconds_of(lease().load_seconds() * 1e3);
    last["prompt_eval_count"] = timings.prompt_n + timings.cache_n;
    last["prompt_eval_duration"] = nanoseconds_of(timings.prompt_ms);
    last["eval_count"] = timings.predicted_n;
    last["eval_duration"] = nanoseconds_of(timings.predicted_ms);
    out += stream() ? ndjson(last) : to_text(last);
  }

 private:
  void add(ChatDelta delta, std::string& out) {
    if (delta.empty()) return;
    if (stream()) {
      Json piece = frame(text_, delta, false);
      add_logprobs(piece);
      out += ndjson(piece);
      return;
    }
    whole_.reasoning += delta.reasoning;
    whole_.content += delta.content;
    std::ranges::move(delta.calls, std::back_inserter(whole_.calls));
  }

  void add_logprobs(Json& json) {
    if (!logprobs_.empty()) json["logprobs"] = std::exchange(logprobs_, Json::array());
  }

  OllamaText text_;
  const Clock::time_point start_ = Clock::now();
  std::optional<ChatOutput> output_;
  ChatDelta whole_;                ///< not streamed
  Json logprobs_ = Json::array();  ///< not sent yet
  engine::Finish finish_;
};

Json loaded_or_unloaded(const OllamaText& text, const char* reason) {
  Json json = frame(text, {}, true);
  json["done_reason"] = reason;
  return json;
}

/// Waits for the model and leaves it with its new keep_alive.
class LoadExchange final : public GenerationExchange {
 public:
  LoadExchange(const Services& services, OllamaText text, const char* reason, std::string client, Wake wake)
      : GenerationExchange(services, text.plan, std::move(client), std::move(wake)),
        text_(std::move(text)),
        reason_(reason) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    CHECK_OK(check_num_ctx(text_, lease.engine()));
    return std::vector<engine::Request>{};
  }
  void on_event(size_t, engine::Event&, std::string&) override {}
  void end(std::string& out) override { out = to_text(loaded_or_unloaded(text_, reason_)); }

 private:
  const OllamaText text_;
  const char* const reason_;
};

}  // namespace

Outcome<std::unique_ptr<Exchange>> ollama_text(const Services& services, OllamaText text, std::string client,
                                               Wake wake) {
  if (!text.raw.empty() || !text.messages.empty())
    return std::make_unique<TextExchange>(services, std::move(text), std::move(client), std::move(wake));
  const bool unload = text.plan.keep_alive && *text.plan.keep_alive == std::chrono::milliseconds(0);
  if (unload && !services.models.state(text.plan.model).loaded)
    return json_reply(loaded_or_unloaded(text, "unload"));
  text.plan.stream = false;  // one object: Ollama, too, sends it as plain JSON
  return std::make_unique<LoadExchange>(services, std::move(text), unload ? "unload" : "load",
                                        std::move(client), std::move(wake));
}

}  // namespace halcyon::serve
