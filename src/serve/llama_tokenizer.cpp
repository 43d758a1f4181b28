#include "serve/llama_tokenizer.h"

#include <functional>
#include <utility>

#include "serve/answer_json.h"
#include "serve/chat_messages.h"
#include "serve/chat_tools.h"
#include "serve/model_field.h"

namespace halcyon::serve {
namespace {

/// An answer that takes the model's engine and no step of it.
class QuestionExchange final : public GenerationExchange {
 public:
  using Question = std::function<Outcome<Json>(const engine::Engine&)>;

  QuestionExchange(const Services& services, size_t model, Question question, std::string client, Wake wake)
      : GenerationExchange(services, plan(model), std::move(client), std::move(wake)),
        question_(std::move(question)) {}

 protected:
  Outcome<std::vector<engine::Request>> prepare(ModelStore::Lease& lease) override {
    TRY(answer_, question_(lease.engine()));
    return std::vector<engine::Request>();
  }
  void on_event(size_t, engine::Event&, std::string&) override {}
  void end(std::string& out) override { out = to_text(answer_); }

 private:
  static AnswerPlan plan(size_t model) {
    AnswerPlan plan;
    plan.model = model;
    return plan;
  }

  const Question question_;
  Json answer_;
};

std::unique_ptr<Exchange> ask(const Services& services, size_t model, QuestionExchange::Question question,
                              std::string client, Wake wake) {
  return std::make_unique<QuestionExchange>(services, model, std::move(question), std::move(client),
                                            std::move(wake));
}

Json with_piece(const tokenizer::Tokenizer& tokenizer, engine::Token token) {
  const std::string piece = tokenizer.piece(token, true);
  return {{"id", token}, {"piece", is_utf8(piece) ? Json(piece) : bytes_json(piece)}};
}

}  // namespace

Outcome<std::unique_ptr<Exchange>> llama_tokenize(const Services& services, const Json& body,
                                                  std::string client, Wake wake) {
  Fields fields(body);
  TRY(const size_t model, read_model(fields, services.models));
  std::string content;
  bool add_special = false, parse_special = true, with_pieces = false;
  if (!fields.find("content")) fields.reject("content", "is missing");
  fields.string("content", content);
  fields.boolean("add_special", add_special);
  fields.boolean("parse_special", parse_special);
  fields.boolean("with_pieces", with_pieces);
  CHECK_OK(fields.finish());
  const auto tokenize = [=, content = std::move(content)](const engine::Engine& engine) -> Outcome<Json> {
    const tokenizer::Tokenizer& tokenizer = engine.tokenizer();
    TRY(const auto tokens, of_request(tokenizer.encode(content, add_special, parse_special)));
    Json list = Json::array();
    for (const engine::Token token : tokens)
      list.push_back(with_pieces ? with_piece(tokenizer, token) : Json(token));
    return Json{{"tokens", std::move(list)}};
  };
  return ask(services, model, tokenize, std::move(client), std::move(wake));
}

Outcome<std::unique_ptr<Exchange>> llama_detokenize(const Services& services, const Json& body,
                                                    std::string client, Wake wake) {
  Fields fields(body);
  TRY(const size_t model, read_model(fields, services.models));
  std::vector<engine::Token> tokens;
  if (!fields.find("tokens")) fields.reject("tokens", "is missing");
  fields.tokens("tokens", tokens);
  CHECK_OK(fields.finish());
  const auto detokenize = [tokens = std::move(tokens)](const engine::Engine& engine) -> Outcome<Json> {
    const tokenizer::Tokenizer& tokenizer = engine.tokenizer();
    std::string content;
    for (const engine::Token token : tokens) {
      if (token >= tokenizer.n_vocab())
        return refuse(ErrorKind::invalid_request, "\"tokens\" has {}; the vocabulary has 0 to {}", token,
                      tokenizer.n_vocab() - 1);
      content += tokenizer.piece(token, true);
    }
    return Json{{"content", std::move(content)}};
  };
  return ask(services, model, detokenize, std::move(client), std::move(wake));
}

Outcome<std::unique_ptr<Exchange>> llama_apply_template(const Services& services, const Json& body,
                                                        std::string client, Wake wake) {
  Fields fields(body);
  TRY(const size_t model, read_model(fields, services.models));
  const Json* messages = fields.find("messages");
  engine::Request unused;
  const ChatTools tools = read_tools(fields, services.models.info(model).chat_template, unused);
  Json values = Json::object();
  if (const Json* more = fields.find("chat_template_kwargs")) {
    if (more->is_object()) {
      values = *more;
    } else {
      fields.reject("chat_template_kwargs", "has to be an object");
    }
  }
  CHECK_OK(fields.finish());
  TRY(Json conversation, read_messages(messages));
  if (!tools.tools.empty()) values["tools"] = tools.tools;
  const auto render = [conversation = std::move(conversation),
                       values = std::move(values)](const engine::Engine& engine) -> Outcome<Json> {
    TRY(std::string prompt, of_request(engine.chat_text(conversation, values)));
    return Json{{"prompt", std::move(prompt)}};
  };
  return ask(services, model, render, std::move(client), std::move(wake));
}

}  // namespace halcyon::serve
