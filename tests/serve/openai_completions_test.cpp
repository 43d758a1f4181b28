// POST /v1/completions, and the list of models.
#include "serve/openai_completions.h"

#include <gmock/gmock.h>

#include "serve/openai_models.h"
#include "tests/serve/fake_server.h"

namespace halcyon::serve {
namespace {

using halcyon::test::bytes;
using halcyon::test::kStart;
using test::Answer;
using test::ask;
using test::FakeServer;
using test::says;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Answer complete(FakeServer& server, const Json& body) { return ask(server, openai_completions, body); }

void expect_error(const Answer& answer, int status, const testing::Matcher<std::string>& message) {
  EXPECT_EQ(answer.head.status, status);
  EXPECT_THAT(answer.json()["error"]["message"].get<std::string>(), message);
}

std::vector<std::string> texts(const Json& answer) {
  std::vector<std::string> result;
  for (const Json& choice : answer["choices"]) {
    EXPECT_EQ(choice["index"], result.size());
    result.push_back(choice["text"]);
  }
  return result;
}

TEST(OpenAiCompletions, AnswersAPrompt) {
  FakeServer server;
  const Json answer = complete(server, {{"model", "tiny"}, {"prompt", "Say hello"}}).json();
  EXPECT_THAT(answer["id"].get<std::string>(), StartsWith("cmpl-"));
  EXPECT_EQ(answer["object"], "text_completion");
  EXPECT_EQ(answer["model"], "tiny");
  EXPECT_GT(answer["created"], 0);
  EXPECT_EQ(
      answer["choices"],
      Json::array({{{"text", "Hello!"}, {"index", 0}, {"logprobs", nullptr}, {"finish_reason", "stop"}}}));
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 9);
  EXPECT_EQ(answer["usage"]["completion_tokens"], 7);
  EXPECT_EQ(answer["usage"]["total_tokens"], 16);
  EXPECT_EQ(answer["timings"]["predicted_n"], 7);
}

TEST(OpenAiCompletions, EndsAfter16TokensUnlessToldOtherwise) {
  FakeServer server({{.script = says("0123456789abcdefghij")}});
  const Json answer = complete(server, {{"prompt", "x"}}).json();
  EXPECT_EQ(answer["choices"][0]["text"], "0123456789abcdef");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
  EXPECT_THAT(texts(complete(server, {{"prompt", "x"}, {"max_tokens", 3}}).json()), ElementsAre("012"));
  EXPECT_THAT(texts(complete(server, {{"prompt", "x"}, {"max_tokens", -1}}).json()),
              ElementsAre("0123456789abcdefghij"));
}

TEST(OpenAiCompletions, EndsAtAStopString) {
  FakeServer server;
  const Json answer = complete(server, {{"prompt", "x"}, {"stop", "lo"}}).json();
  EXPECT_EQ(answer["choices"][0]["text"], "Hel");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
}

TEST(OpenAiCompletions, ChoicesOfAPromptFollowEachOther) {
  auto script = std::make_shared<halcyon::test::Script>();
  script->next = [](std::span<const engine::Token> past) { return past.front() - 'a' + 'A'; };
  FakeServer server({{.script = script}});
  const Json answer = complete(server, {{"prompt", {"a", "b"}}, {"n", 2}, {"max_tokens", 1}}).json();
  EXPECT_THAT(texts(answer), ElementsAre("A", "A", "B", "B"));
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 2) << "each prompt counts once";
  EXPECT_EQ(answer["usage"]["completion_tokens"], 4);
}

TEST(OpenAiCompletions, PromptsMayBeTokens) {
  FakeServer server;
  EXPECT_THAT(texts(complete(server, {{"prompt", {'a', 'b'}}, {"echo", true}}).json()),
              ElementsAre("abHello!"));
  EXPECT_THAT(texts(complete(server, {{"prompt", {bytes("a"), {kStart, 'b'}}}, {"echo", true}}).json()),
              ElementsAre("aHello!", "<|im_start|>bHello!"));
}

TEST(OpenAiCompletions, StreamsChunksThatEndWithDone) {
  FakeServer server({{.script = says("Hé")}});
  const Answer answer = complete(server, {{"prompt", "x"}, {"stream", true}});
  EXPECT_EQ(answer.head.content_type, "text/event-stream");
  const auto events = answer.events();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0]["object"], "text_completion");
  EXPECT_EQ(events[0]["choices"],
            Json::array({{{"text", "H"}, {"index", 0}, {"logprobs", nullptr}, {"finish_reason", nullptr}}}));
  EXPECT_EQ(events[1]["choices"][0]["text"], "é");
  EXPECT_EQ(events[1]["id"], events[0]["id"]);
  EXPECT_EQ(events[2]["choices"],
            Json::array({{{"text", ""}, {"index", 0}, {"logprobs", nullptr}, {"finish_reason", "stop"}}}));
  EXPECT_EQ(events[2]["timings"]["predicted_n"], 4);
  EXPECT_EQ(events[3], "[DONE]");
}

TEST(OpenAiCompletions, TheUsageOfAStreamComesLastIfWanted) {
  FakeServer server;
  const auto events =
      complete(server, {{"prompt", "x"}, {"stream", true}, {"stream_options", {{"include_usage", true}}}})
          .events();
  const Json& usage = events[events.size() - 2];
  EXPECT_EQ(usage["choices"], Json::array());
  EXPECT_EQ(usage["usage"]["total_tokens"], 8);
}

TEST(OpenAiCompletions, EchoPutsThePromptInFront) {
  FakeServer server;
  EXPECT_THAT(texts(complete(server, {{"prompt", "Say: "}, {"echo", true}}).json()),
              ElementsAre("Say: Hello!"));
  const auto events = complete(server, {{"prompt", "Say: "}, {"echo", true}, {"stream", true}}).events();
  EXPECT_EQ(events[0]["choices"][0]["text"], "Say: H");
}

TEST(OpenAiCompletions, LogprobsAreFourLists) {
  FakeServer server({{.script = says("aéb")}});
  const Json logprobs = complete(server, {{"prompt", "x"}, {"logprobs", 1}}).json()["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], Json({"a", "bytes:\\xc3", "bytes:\\xa9", "b"}));
  EXPECT_EQ(logprobs["text_offset"], Json({0, 1, 2, 2})) << "characters";
  ASSERT_EQ(logprobs["token_logprobs"].size(), 4u);
  EXPECT_LT(logprobs["token_logprobs"][0], 0.0);
  EXPECT_EQ(logprobs["top_logprobs"][0], Json({{"a", logprobs["token_logprobs"][0]}}));
  const Json none = complete(server, {{"prompt", "x"}, {"logprobs", 0}}).json()["choices"][0]["logprobs"];
  EXPECT_EQ(none["top_logprobs"][0].size(), 1u) << "that of the token itself";
}

TEST(OpenAiCompletions, LogprobsAreStreamedWithTheirTokens) {
  FakeServer server({{.script = says("ab")}});
  const auto events = complete(server, {{"prompt", "x"}, {"logprobs", 1}, {"stream", true}}).events();
  EXPECT_EQ(events[0]["choices"][0]["logprobs"]["tokens"], Json::array({"a"}));
  EXPECT_EQ(events[1]["choices"][0]["logprobs"]["tokens"], Json::array({"b"}));
  EXPECT_EQ(events[1]["choices"][0]["logprobs"]["text_offset"], Json::array({1}));
}

TEST(OpenAiCompletions, FollowsAGrammar) {
  FakeServer server;
  EXPECT_THAT(texts(complete(server, {{"prompt", "x"}, {"grammar", "root ::= [0-9] \"!\""}}).json()),
              ElementsAre(testing::MatchesRegex("[0-9]!")));
}

TEST(OpenAiCompletions, ASeedGivesEachChoiceItsOwn) {
  auto script = std::make_shared<halcyon::test::Script>();
  script->next = [](std::span<const engine::Token>) { return 'a'; };
  FakeServer server({{.script = script}});
  // So hot that all tokens are about as likely.
  const Json body = {{"prompt", "x"}, {"n", 2},          {"seed", 7},  {"temperature", 1000},
                     {"top_k", 0},    {"top_p", 1},      {"min_p", 0}, {"ignore_eos", true},
                     {"logprobs", 0}, {"max_tokens", 16}};
  const Json once = complete(server, body).json();
  const Json again = complete(server, body).json();
  EXPECT_EQ(once["choices"], again["choices"]);
  EXPECT_NE(once["choices"][0]["logprobs"]["tokens"], once["choices"][1]["logprobs"]["tokens"]);
}

TEST(OpenAiCompletions, WrongFieldsAreRefusedByName) {
  FakeServer server;
  expect_error(complete(server, Json::object()), 400, HasSubstr("\"prompt\" is missing"));
  expect_error(complete(server, {{"prompt", {{"a", 1}}}}), 400, HasSubstr("\"prompt\""));
  expect_error(complete(server, {{"prompt", "x"}, {"n", 0}}), 400, HasSubstr("\"n\" is 0"));
  expect_error(complete(server, {{"prompt", std::vector<std::string>(30, "x")}, {"n", 3}}), 400,
               HasSubstr("90 choices"));
  expect_error(complete(server, {{"prompt", "x"}, {"max_tokens", 1.5}}), 400, HasSubstr("\"max_tokens\""));
  expect_error(complete(server, {{"prompt", "x"}, {"logprobs", true}}), 400, HasSubstr("\"logprobs\""));
  expect_error(complete(server, {{"prompt", "x"}, {"stream_options", Json::object()}}), 400,
               HasSubstr("\"stream_options\""));
  expect_error(complete(server, {{"prompt", "x"}, {"messages", 1}}), 400, HasSubstr("\"messages\""));
  expect_error(complete(server, {{"prompt", "x"}, {"model", "gpt-4"}}), 404, HasSubstr("\"gpt-4\""));
}

TEST(OpenAiCompletions, WhatIsNotSupportedIsRefusedByName) {
  FakeServer server;
  expect_error(complete(server, {{"prompt", "x"}, {"suffix", "y"}}), 501, HasSubstr("\"suffix\""));
  expect_error(complete(server, {{"prompt", "x"}, {"best_of", 3}}), 501, HasSubstr("\"best_of\""));
  expect_error(complete(server, {{"prompt", "x"}, {"echo", true}, {"logprobs", 1}}), 501,
               HasSubstr("\"echo\""));
  EXPECT_EQ(
      complete(
          server,
          {{"prompt", "x"}, {"suffix", nullptr}, {"best_of", 2}, {"n", 2}, {"user", "me"}, {"echo", false}})
          .head.status,
      200);
}

// GET /v1/models

TEST(OpenAiModels, AreListedWithoutBeingLoaded) {
  FakeServer server({{.name = "one"}, {.name = "org/two"}});
  const Json list = ask(server, openai_models).json();
  EXPECT_EQ(list["object"], "list");
  ASSERT_EQ(list["data"].size(), 2u);
  EXPECT_EQ(list["data"][0]["id"], "one");
  EXPECT_EQ(list["data"][0]["object"], "model");
  EXPECT_EQ(list["data"][0]["created"], 0) << "there is no such file";
  EXPECT_EQ(list["data"][0]["owned_by"], "halcyon");
  EXPECT_EQ(list["data"][0]["meta"]["n_params"], 6);
  EXPECT_EQ(list["data"][0]["meta"]["n_ctx_train"], 4096);
  EXPECT_EQ(list["data"][0]["meta"]["n_embd"], 2);
  EXPECT_EQ(server.loads(), 0);
}

TEST(OpenAiModels, OneIsFoundByItsName) {
  FakeServer server({{.name = "one"}, {.name = "org/two"}});
  const auto answer = [&](std::string_view name) {
    test::Call call(openai_model(server.services(), name), Dialect::openai);
    return Json::parse(call.next().value());
  };
  EXPECT_EQ(answer("org/two")["id"], "org/two");
  EXPECT_EQ(answer("org%2Ftwo")["id"], "org/two");
  EXPECT_EQ(answer("three")["error"]["code"], 404);
}

}  // namespace
}  // namespace halcyon::serve
