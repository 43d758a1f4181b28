#include "serve/openai_chat.h"

#include <utility>

#include "serve/answer_json.h"
#include "serve/chat_messages.h"
#include "serve/chat_output.h"
#include "serve/chat_tools.h"
#include "serve/model_field.h"
#include "serve/sampling_fields.h"

namespace halcyon::serve {
namespace {

struct ChatRequest {
  AnswerPlan plan;
  engine::Request request;  ///< but for its prompt
  Json messages;
  Json template_values = Json::object();
  ChatTools tools;
  int32_t n = 1;
  bool include_usage = false;
  bool split_reasoning = true;
};

void read_response_format(Fields& fields, engine::Request& request) {
  const Json* value = fields.find("response_format");
  if (!value) return;
  Fields format(*value, "response_format.");
  std::string type;
  format.string("type", type);
  const Json* schema = format.find("schema");  // llama-server's, with "json_object"
  const Json* wrapped = format.find("json_schema");
  if (const Outcome<void> read = format.finish(); !read) return fields.keep(read.error());
  if (type == "json_schema") {
    if (wrapped && wrapped->is_object() && wrapped->contains("schema")) schema = &(*wrapped)["schema"];
    if (!schema)
      return fields.reject("response_format", "of type json_schema needs \"json_schema\" with a \"schema\"");
    set_grammar(fields, "response_format", grammar::Grammar::from_json_schema(*schema), request);
  } else if (type == "json_object") {
    set_grammar(fields, "response_format",
                schema ? grammar::Grammar::from_json_schema(*schema) : grammar::Grammar::json_object(),
                request);
  } else if (type != "text") {
    fields.reject("response_format", "has to be of type text, json_object or json_schema");
  }
}

/// What the template may look at besides the messages.
void read_template_values(Fields& fields, ChatRequest& chat) {
  if (const Json* values = fields.find("chat_template_kwargs")) {
    if (!values->is_object()) return fields.reject("chat_template_kwargs", "has to be an object");
    chat.template_values = *values;
  }
  std::string effort;
  fields.string("reasoning_effort", effort);
  if (!effort.empty()) chat.template_values["reasoning_effort"] = effort;
  std::string format = "auto";
  fields.string("reasoning_format", format);
  if (format != "auto" && format != "deepseek" && format != "none")
    fields.reject("reasoning_format", "has to be \"auto\", \"deepseek\" or \"none\"");
  chat.split_reasoning = format != "none";
}

Outcome<ChatRequest> read_chat(const Services& services, const Json& body) {
  ChatRequest chat;
  Fields fields(body);
  TRY(chat.plan.model, read_model(fields, services.models));
  const Json* messages = fields.find("messages");
  fields.boolean("stream", chat.plan.stream);
  chat.plan.content_type = "text/event-stream";
  chat.include_usage = read_stream_options(fields, chat.plan.stream);
  int32_t max_tokens = -1;
  fields.integer("max_tokens", max_tokens, -1, INT32_MAX);
  fields.integer("max_completion_tokens", max_tokens, -1, INT32_MAX);
  fields.integer("n_predict", max_tokens, -1, INT32_MAX);
  chat.request.max_tokens = max_tokens;
  fields.integer("n", chat.n, 1, kMaxChoices);
  chat.plan.places = chat.n;
  read_sampling(fields, chat.request);
  read_response_format(fields, chat.request);
  read_grammar(fields, chat.request);
  read_logprobs(fields, chat.request);
  chat.tools = read_tools(fields, services.models.info(chat.plan.model).chat_template, chat.request);
  read_template_values(fields, chat);
  fields.only("modalities", Json::array({"text"}));
  fields.only("store", false);
  fields.accept({"user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key"});
  CHECK_OK(fields.finish());
  TRY(chat.messages, read_messages(messages));
  if (!chat.tools.tools.empty()) chat.template_values["tools"] = chat.tools.tools;
  return chat;
}

class ChatExchange final : public GenerationExchange {
 public:
  ChatExchange(const Services& services, ChatRequest chat, std::string client, Wake wake)
      : GenerationExchange(services, chat.plan, std::move(client), std::move(wake)), chat_(std::move(chat)) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    const engine::Engine& engine = lease.engine();
    TRY(const std::string text, of_request(engine.chat_text(chat_.messages, chat_.template_values)));
    TRY(chat_.request.prompt, of_request(engine::encode_prompt(engine.tokenizer(), text)));
    // What a grammar describes is the whole answer.
    const bool split = chat_.split_reasoning && lease.info().thinks && !chat_.request.grammar;
    std::vector<engine::Request> requests;
    for (int32_t i = 0; i < chat_.n; ++i) {
      requests.push_back(chat_.request);
      if (auto& seed = requests.back().sampling.seed) *seed += static_cast<uint64_t>(i);
      choices_.emplace_back(
          ChatOutput(split ? std::optional(ReasoningSplitter(opens_reasoning(text))) : std::nullopt,
                     chat_.tools.parser()));
    }
    return requests;
  }

  void on_event(size_t i, engine::Event& event, std::string& out) override {
    Choice& choice = choices_[i];
    if (stream() && !std::exchange(choice.begun, true)) {
      out += chunk(i, {{"role", "assistant"}, {"content", nullptr}});
    }
    if (event.logprobs && event.token)
      choice.logprobs.push_back(
          logprob_json(lease().engine().tokenizer(), *event.token, *event.logprobs, false));
    add(i, choice.output.push(event.text), out);
    if (!event.finish) return;
    add(i, choice.output.finish(), out);
    choice.finish = std::move(*event.finish);
    usage_.add(choice.finish.timings, i == 0);
    if (stream()) out += chunk(i, Json::object(), true);
  }

  void end(std::string& out) override {
    if (!stream()) {
      out = to_text(whole());
      return;
    }
    if (chat_.include_usage) {
      Json last = frame("chat.completion.chunk");
      last["choices"] = Json::array();
      last["usage"] = usage_json(usage_);
      out += sse(last);
    }
    out += kSseDone;
  }

 private:
  struct Choice {
    explicit Choice(ChatOutput o) : output(std::move(o)) {}
    ChatOutput output;
    bool begun = false;
    std::string reasoning, content;
    Json calls = Json::array();
    Json logprobs = Json::array();  ///< not sent yet
    engine::Finish finish;
  };

  void add(size_t i, ChatDelta delta, std::string& out) {
    Choice& choice = choices_[i];
    if (!chat_.tools.parallel) {
      if (!choice.calls.empty()) return;  // what comes until the end is of no interest
      if (!delta.calls.empty()) {
        delta.calls.resize(1);
        cancel(i);
      }
    }
    Json calls = Json::array();
    for (const ToolCall& call : delta.calls) {
      Json json = {{"id", random_id("call_")},
                   {"type", "function"},
                   {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
      if (stream()) json["index"] = choice.calls.size();
      choice.calls.push_back(json);
      calls.push_back(std::move(json));
    }
    if (!stream()) {
      choice.reasoning += delta.reasoning;
      choice.content += delta.content;
      return;
    }
    if (!delta.reasoning.empty()) out += chunk(i, {{"reasoning_content", delta.reasoning}});
    if (!delta.content.empty()) out += chunk(i, {{"content", delta.content}});
    if (!calls.empty()) out += chunk(i, {{"tool_calls", std::move(calls)}});
  }

  Json frame(const char* object) const {
    return {{"id", id_}, {"object", object}, {"created", created_}, {"model", lease().info().name}};
  }

  std::string_view reason(const Choice& choice) const {
    if (!choice.calls.empty()) return "tool_calls";
    return choice.finish.reason == engine::FinishReason::length ? "length" : "stop";
  }

  Json take_logprobs(Choice& choice) const {
    if (choice.logprobs.empty()) return nullptr;
    return {{"content", std::exchange(choice.logprobs, Json::array())}};
  }

  std::string chunk(size_t i, Json delta, bool last = false) {
    Choice& choice = choices_[i];
    Json json = frame("chat.completion.chunk");
    Json entry = {{"index", i}, {"delta", std::move(delta)}};
    if (Json logprobs = take_logprobs(choice); !logprobs.is_null()) entry["logprobs"] = std::move(logprobs);
    entry["finish_reason"] = last ? Json(reason(choice)) : Json();
    json["choices"] = Json::array({std::move(entry)});
    if (last) json["timings"] = timings_json(choice.finish.timings);
    return sse(json);
  }

  Json whole() {
    Json json = frame("chat.completion");
    json["choices"] = Json::array();
    for (size_t i = 0; i < choices_.size(); ++i) {
      Choice& choice = choices_[i];
      Json message = {{"role", "assistant"}};
      message["content"] = choice.content.empty() && !choice.calls.empty() ? Json() : Json(choice.content);
      if (!choice.reasoning.empty()) message["reasoning_content"] = choice.reasoning;
      if (!choice.calls.empty()) message["tool_calls"] = choice.calls;
      Json entry = {{"index", i}, {"message", std::move(message)}};
      entry["logprobs"] = take_logprobs(choice);
      entry["finish_reason"] = reason(choice);
      json["choices"].push_back(std::move(entry));
    }
    json["usage"] = usage_json(usage_);
    json["timings"] = timings_json(choices_.front().finish.timings);
    return json;
  }

  ChatRequest chat_;
  const std::string id_ = random_id("chatcmpl-");
  const int64_t created_ = unix_time();
  std::vector<Choice> choices_;
  Usage usage_;
};

}  // namespace

Outcome<std::unique_ptr<Exchange>> openai_chat(const Services& services, const Json& body, std::string client,
                                               Wake wake) {
  TRY(ChatRequest chat, read_chat(services, body));
  return std::make_unique<ChatExchange>(services, std::move(chat), std::move(client), std::move(wake));
}

}  // namespace halcyon::serve
