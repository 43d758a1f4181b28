// POST /v1/chat/completions
#include "serve/openai_chat.h"

#include <gmock/gmock.h>

#include "tests/serve/fake_server.h"

namespace halcyon::serve {
namespace {

using test::Answer;
using test::ask;
using test::FakeServer;
using test::says;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const Json kHi = Json::array({{{"role", "user"}, {"content", "Hi"}}});

const Json kTools = Json::array(
    {{{"type", "function"},
      {"function",
       {{"name", "weather"},
        {"parameters",
         {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}, {"required", {"city"}}}}}}},
     {{"type", "function"}, {"function", {{"name", "time"}, {"parameters", {{"type", "object"}}}}}}});

constexpr std::string_view kCall =
    "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>";

/// A request of one message, with more members.
Json request(const Json& more = Json::object()) {
  Json body = {{"model", "tiny"}, {"messages", kHi}};
  body.update(more);
  return body;
}

Answer chat(FakeServer& server, const Json& more = Json::object()) {
  return ask(server, openai_chat, request(more));
}

/// The only choice of an answer.
Json choice(const Answer& answer) {
  const Json choices = answer.json()["choices"];
  EXPECT_EQ(choices.size(), 1u);
  return choices[0];
}

/// The deltas of a stream with one choice, but for those without choices and [DONE].
std::vector<Json> deltas(const Answer& answer) {
  std::vector<Json> result;
  for (const Json& event : answer.events())
    if (event.is_object() && !event["choices"].empty()) result.push_back(event["choices"][0]["delta"]);
  return result;
}

void expect_error(const Answer& answer, int status, const testing::Matcher<std::string>& message) {
  EXPECT_EQ(answer.head.status, status);
  EXPECT_THAT(answer.json()["error"]["message"].get<std::string>(), message);
}

// Answers.

TEST(OpenAiChat, AnswersAConversation) {
  FakeServer server;
  const Json answer = chat(server).json();
  EXPECT_THAT(answer["id"].get<std::string>(), StartsWith("chatcmpl-"));
  EXPECT_EQ(answer["object"], "chat.completion");
  EXPECT_EQ(answer["model"], "tiny");
  EXPECT_GT(answer["created"], 0);
  EXPECT_EQ(answer["choices"], Json::array({{{"index", 0},
                                             {"message", {{"role", "assistant"}, {"content", "Hello!"}}},
                                             {"logprobs", nullptr},
                                             {"finish_reason", "stop"}}}));
  const Json& usage = answer["usage"];
  EXPECT_EQ(usage["completion_tokens"], 7);
  EXPECT_EQ(usage["total_tokens"], usage["prompt_tokens"].get<int>() + 7);
  EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], 0);
  EXPECT_EQ(answer["timings"]["predicted_n"], 7);
}

TEST(OpenAiChat, ThePromptIsWhatTheTemplateMakesOfTheMessages) {
  const auto script = says("!");
  FakeServer server(
      {{.script = script,
        .options = {.chat_template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
                                     "{{ reasoning_effort }}{{ mood }}"}}});
  const Json messages = Json::array(
      {{{"role", "developer"}, {"content", "Be brief."}},
       {{"role", "user"},
        {"content", Json::array({{{"type", "text"}, {"text", "H"}}, {{"type", "text"}, {"text", "i"}}})}},
       {{"role", "assistant"}, {"content", nullptr}}});
  chat(server, {{"messages", messages},
                {"reasoning_effort", "low"},
                {"chat_template_kwargs", {{"mood", "+"}}},
                {"max_tokens", 0}});
  std::string prompt;
  for (const engine::Token token : script->past) prompt += static_cast<char>(token);
  EXPECT_EQ(prompt, "[system]Be brief.[user]Hi[assistant]low+");
}

TEST(OpenAiChat, EndsAtTheLimit) {
  FakeServer server;
  for (const char* name : {"max_tokens", "max_completion_tokens", "n_predict"}) {
    const Json cut = choice(chat(server, {{name, 2}}));
    EXPECT_EQ(cut["message"]["content"], "He");
    EXPECT_EQ(cut["finish_reason"], "length");
  }
}

TEST(OpenAiChat, AStopStringMayGoAcrossTokens) {
  FakeServer server({{.script = says("one two")}});
  for (const bool stream : {false, true}) {
    const Answer answer = chat(server, {{"stop", {"zero", "e tw"}}, {"stream", stream}});
    std::string text;
    if (stream) {
      for (const Json& delta : deltas(answer))
        if (delta.contains("content") && delta["content"].is_string()) text += delta["content"];
    } else {
      text = choice(answer)["message"]["content"];
    }
    EXPECT_EQ(text, "on");
  }
}

TEST(OpenAiChat, SeveralChoicesAreNumbered) {
  FakeServer server;
  const Json answer = chat(server, {{"n", 3}}).json();
  ASSERT_EQ(answer["choices"].size(), 3u);
  EXPECT_EQ(answer["choices"][2]["index"], 2);
  EXPECT_EQ(answer["choices"][2]["message"]["content"], "Hello!");
  EXPECT_EQ(answer["usage"]["completion_tokens"], 21);
  EXPECT_EQ(answer["usage"]["prompt_tokens"], chat(server).json()["usage"]["prompt_tokens"]);
}

TEST(OpenAiChat, LogprobsAreThoseOfTheTokens) {
  FakeServer server({{.script = says("ab")}});
  const Json logprobs = choice(chat(server, {{"logprobs", true}, {"top_logprobs", 2}}))["logprobs"];
  ASSERT_EQ(logprobs["content"].size(), 2u);
  const Json& first = logprobs["content"][0];
  EXPECT_EQ(first["token"], "a");
  EXPECT_EQ(first["bytes"], Json::array({'a'}));
  EXPECT_LT(first["logprob"], 0.0);
  EXPECT_EQ(first["top_logprobs"].size(), 2u);
  EXPECT_FALSE(first.contains("id"));
  EXPECT_EQ(choice(chat(server, {{"logprobs", true}}))["logprobs"]["content"][0]["top_logprobs"],
            Json::array());
}

// Streams.

TEST(OpenAiChat, AStreamIsTheRoleTheTextTheReasonAndDone) {
  FakeServer server({{.script = says("Hé")}});
  const Answer answer = chat(server, {{"stream", true}});
  EXPECT_EQ(answer.head.content_type, "text/event-stream");
  EXPECT_THAT(deltas(answer),
              ElementsAre(Json({{"role", "assistant"}, {"content", nullptr}}), Json({{"content", "H"}}),
                          Json({{"content", "é"}}), Json::object()));
  const auto events = answer.events();
  ASSERT_EQ(events.size(), 5u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(events[i]["object"], "chat.completion.chunk");
    EXPECT_EQ(events[i]["id"], events[0]["id"]);
    EXPECT_EQ(events[i]["choices"][0]["finish_reason"], i == 3 ? Json("stop") : Json());
    EXPECT_EQ(events[i].contains("timings"), i == 3);
  }
  EXPECT_EQ(events[4], "[DONE]");
}

TEST(OpenAiChat, TheUsageOfAStreamComesBehindTheChoices) {
  FakeServer server;
  const auto events =
      chat(server, {{"stream", true}, {"stream_options", {{"include_usage", true}}}}).events();
  const Json& usage = events[events.size() - 2];
  EXPECT_EQ(usage["object"], "chat.completion.chunk");
  EXPECT_EQ(usage["choices"], Json::array());
  EXPECT_EQ(usage["usage"]["completion_tokens"], 7);
  EXPECT_EQ(events.back(), "[DONE]");
}

TEST(OpenAiChat, ChoicesOfAStreamEachHaveTheirRoleAndTheirEnd) {
  FakeServer server;
  std::vector<std::string> texts(2);
  std::vector<int> roles(2), ends(2);
  for (const Json& event : chat(server, {{"n", 2}, {"stream", true}}).events()) {
    if (!event.is_object()) continue;
    const Json& one = event["choices"][0];
    const size_t i = one["index"];
    if (one["delta"].contains("role")) {
      ++roles.at(i);
    } else if (one["delta"].contains("content")) {
      texts.at(i) += one["delta"]["content"];
    }
    ends.at(i) += one["finish_reason"].is_null() ? 0 : 1;
  }
  EXPECT_THAT(texts, ElementsAre("Hello!", "Hello!"));
  EXPECT_THAT(roles, ElementsAre(1, 1));
  EXPECT_THAT(ends, ElementsAre(1, 1));
}

TEST(OpenAiChat, LogprobsAreStreamedWithTheirText) {
  FakeServer server({{.script = says("aé")}});
  std::vector<std::vector<Json>> tokens;
  for (const Json& event : chat(server, {{"stream", true}, {"logprobs", true}}).events()) {
    if (!event.is_object() || !event["choices"][0].contains("logprobs")) continue;
    tokens.emplace_back();
    for (const Json& token : event["choices"][0]["logprobs"]["content"])
      tokens.back().push_back(token["bytes"][0]);
  }
  EXPECT_THAT(tokens, ElementsAre(ElementsAre('a'), ElementsAre(0xC3, 0xA9)));
}

// Reasoning.

FakeServer thinker(std::string_view answer,
                   std::string chat_template = "{# <think> #}{{ messages[0].content }}") {
  return FakeServer(
      {{.script = says(answer), .options = {.n_ctx = 512, .chat_template = std::move(chat_template)}}});
}

TEST(OpenAiChat, ReasoningIsToldApart) {
  FakeServer server = thinker("<think>\nWell.\n</think>\n\nHello!");
  const Json message = choice(chat(server))["message"];
  EXPECT_EQ(message["reasoning_content"], "Well.");
  EXPECT_EQ(message["content"], "Hello!");

  std::string reasoning, content;
  for (const Json& delta : deltas(chat(server, {{"stream", true}}))) {
    if (delta.contains("role")) continue;
    if (delta.contains("reasoning_content")) reasoning += delta["reasoning_content"];
    if (delta.contains("content")) content += delta["content"];
  }
  EXPECT_EQ(reasoning, "Well.");
  EXPECT_EQ(content, "Hello!");
}

TEST(OpenAiChat, ReasoningThatTheTemplateBeginsIsToldApart) {
  FakeServer server = thinker("Well.</think>Hello!", "{{ messages[0].content }}<think>\n");
  const Json message = choice(chat(server))["message"];
  EXPECT_EQ(message["reasoning_content"], "Well.");
  EXPECT_EQ(message["content"], "Hello!");
}

TEST(OpenAiChat, ReasoningStaysInTheTextIfThatIsWantedOrTheModelKnowsNone) {
  FakeServer server = thinker("<think>A</think>B");
  EXPECT_EQ(choice(chat(server, {{"reasoning_format", "none"}}))["message"]["content"], "<think>A</think>B");
  FakeServer plain({{.script = says("<think>A</think>B")}});
  EXPECT_EQ(choice(chat(plain))["message"]["content"], "<think>A</think>B");
}

// Tools.

TEST(OpenAiChat, ACallIsTakenOutOfTheText) {
  FakeServer server({{.script = says(std::string("Let me look. ") + std::string(kCall))}});
  const Json answer = choice(chat(server, {{"tools", kTools}}));
  EXPECT_EQ(answer["finish_reason"], "tool_calls");
  EXPECT_EQ(answer["message"]["content"], "Let me look. ");
  ASSERT_EQ(answer["message"]["tool_calls"].size(), 1u);
  const Json& call = answer["message"]["tool_calls"][0];
  EXPECT_THAT(call["id"].get<std::string>(), StartsWith("call_"));
  EXPECT_EQ(call["type"], "function");
  EXPECT_EQ(call["function"]["name"], "weather");
  EXPECT_EQ(call["function"]["arguments"], "{\"city\":\"Oslo\"}");
}

TEST(OpenAiChat, AnAnswerOfCallsHasNoContent) {
  FakeServer server({{.script = says(kCall)}});
  EXPECT_EQ(choice(chat(server, {{"tools", kTools}, {"tool_choice", "auto"}}))["message"]["content"],
            nullptr);
}

TEST(OpenAiChat, CallsAreStreamedWhole) {
  FakeServer server({{.script = says(std::string(kCall) + "\n" + std::string(kCall))}});
  std::vector<Json> calls;
  const Answer answer = chat(server, {{"tools", kTools}, {"stream", true}});
  for (const Json& delta : deltas(answer))
    for (const Json& call : delta.value("tool_calls", Json::array())) calls.push_back(call);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0]["index"], 0);
  EXPECT_EQ(calls[1]["index"], 1);
  EXPECT_NE(calls[0]["id"], calls[1]["id"]);
  EXPECT_EQ(calls[1]["function"]["arguments"], "{\"city\":\"Oslo\"}");
  const auto events = answer.events();
  EXPECT_EQ(events[events.size() - 2]["choices"][0]["finish_reason"], "tool_calls");
}

TEST(OpenAiChat, WithoutParallelCallsTheFirstOneEndsTheAnswer) {
  FakeServer server({{.script = says(std::string(kCall) + " and " + std::string(kCall) + " and more")}});
  for (const bool stream : {false, true}) {
    const Answer answer =
        chat(server, {{"tools", kTools}, {"parallel_tool_calls", false}, {"stream", stream}});
    if (!stream) {
      const Json one = choice(answer);
      EXPECT_EQ(one["message"]["tool_calls"].size(), 1u);
      EXPECT_EQ(one["message"]["content"], nullptr);
      EXPECT_EQ(one["finish_reason"], "tool_calls");
      continue;
    }
    const auto all = deltas(answer);
    ASSERT_EQ(all.size(), 3u) << "the role, the call, the end";
    EXPECT_TRUE(all[1].contains("tool_calls"));
  }
}

TEST(OpenAiChat, WithoutToolsNothingIsACall) {
  FakeServer server({{.script = says(kCall)}});
  EXPECT_EQ(choice(chat(server))["message"]["content"], kCall);
  EXPECT_EQ(choice(chat(server, {{"tools", kTools}, {"tool_choice", "none"}}))["message"]["content"], kCall);
}

TEST(OpenAiChat, TheTemplateSeesTheToolsUnlessTheyAreNotToBeUsed) {
  const auto script = says("!");
  FakeServer server({{.script = script,
                      .options = {.chat_template = "{% if tools %}{{ tools[0].function.name }}{% else "
                                                   "%}nothing{% endif %}"}}});
  const auto prompt = [&](const Json& more) {
    chat(server, more);
    std::string text;
    for (const engine::Token token : script->past) text += static_cast<char>(token);
    return text;
  };
  EXPECT_EQ(prompt({{"max_tokens", 0}, {"tools", kTools}}), "weather");
  EXPECT_EQ(prompt({{"max_tokens", 0}, {"tools", kTools}, {"tool_choice", "none"}}), "nothing");
  EXPECT_EQ(prompt({{"max_tokens", 0}, {"tools", Json::array()}}), "nothing");
}

TEST(OpenAiChat, ACallThatIsDemandedComesWhateverTheModelWouldSay) {
  FakeServer server({{.script = says("I'd rather not.")}});
  const Json wishes[] = {"required", {{"type", "function"}, {"function", {{"name", "time"}}}}};
  for (const Json& wish : wishes) {
    SCOPED_TRACE(wish);
    // A model that ends strings and objects as soon as it may.
    const Json answer = choice(chat(server, {{"tools", kTools},
                                             {"tool_choice", wish},
                                             {"temperature", 0},
                                             {"logit_bias", {{"34", 20}, {"125", 30}}},
                                             {"max_tokens", 400}}));
    EXPECT_EQ(answer["finish_reason"], "tool_calls");
    ASSERT_EQ(answer["message"]["tool_calls"].size(), 1u);
    const std::string name = answer["message"]["tool_calls"][0]["function"]["name"];
    if (wish.is_object()) {
      EXPECT_EQ(name, "time");
    }
  }
}

// Formats.

TEST(OpenAiChat, AnAnswerCanBeHeldToASchema) {
  FakeServer server({{.script = says("no JSON")}});
  const Json schema = {{"type", "object"}, {"properties", {{"ok", {{"const", true}}}}}, {"required", {"ok"}}};
  const Json formats[] = {{{"type", "json_schema"}, {"json_schema", {{"name", "it"}, {"schema", schema}}}},
                          {{"type", "json_schema"}, {"schema", schema}},
                          {{"type", "json_object"}, {"schema", schema}}};
  for (const Json& format : formats) {
    SCOPED_TRACE(format);
    const Json answer = choice(chat(server, {{"response_format", format}, {"seed", 1}}));
    EXPECT_EQ(Json::parse(answer["message"]["content"].get<std::string>()), Json({{"ok", true}}));
    EXPECT_EQ(answer["finish_reason"], "stop");
  }
}

TEST(OpenAiChat, AnAnswerCanBeAnyJsonObject) {
  FakeServer server({{.script = says("{\"a\": 1}")}});
  const Json object = {{"response_format", {{"type", "json_object"}}}};
  EXPECT_EQ(choice(chat(server, object))["message"]["content"], "{\"a\": 1}");
  const Json text = {{"response_format", {{"type", "text"}}}};
  EXPECT_EQ(choice(chat(server, text))["message"]["content"], "{\"a\": 1}");
}

TEST(OpenAiChat, OneGrammarIsPossible) {
  FakeServer server;
  expect_error(chat(server, {{"response_format", {{"type", "json_object"}}}, {"grammar", "root ::= \"a\""}}),
               400, HasSubstr("another grammar"));
  expect_error(chat(server, {{"tools", kTools}, {"tool_choice", "required"}, {"grammar", "root ::= \"a\""}}),
               400, HasSubstr("another grammar"));
}

// Mistakes.

struct Mistake {
  Json more;
  const char* message;
};

TEST(OpenAiChat, WrongFieldsAreRefusedByName) {
  FakeServer server;
  const Mistake mistakes[] = {
      {{{"messages", nullptr}}, "\"messages\" is missing"},
      {{{"messages", "Hi"}}, "\"messages\" has to be a list"},
      {{{"messages", Json::array()}}, "\"messages\" is empty"},
      {{{"messages", Json::array({5})}}, "\"messages[0]\" has to be an object"},
      {{{"messages", Json::array({{{"content", "x"}}})}}, "\"messages[0].role\""},
      {{{"messages", Json::array({{{"role", "robot"}, {"content", "x"}}})}}, "\"messages[0].role\""},
      {{{"messages", Json::array({{{"role", 5}, {"content", "x"}}})}}, "\"messages[0].role\""},
      {{{"messages", Json::array({{{"role", "user"}}})}}, "\"messages[0]\" has no content"},
      {{{"messages", Json::array({{{"role", "user"}, {"content", 5}}})}}, "\"messages[0].content\""},
      {{{"messages", Json::array({{{"role", "user"}, {"content", Json::array({5})}}})}},
       "\"messages[0].content\""},
      {{{"messages", Json::array({{{"role", "assistant"}, {"tool_calls", 5}}})}},
       "\"messages[0].tool_calls\""},
      {{{"messages", Json::array({{{"role", "assistant"}, {"tool_calls", Json::array({{{"id", "x"}}})}}})}},
       "\"messages[0].tool_calls\""},
      {{{"model", 5}}, "\"model\" has to be a string"},
      {{{"stream", "yes"}}, "\"stream\" has to be true or false"},
      {{{"stream_options", {{"include_usage", true}}}}, "\"stream_options\""},
      {{{"stream", true}, {"stream_options", 5}}, "\"stream_options\" has to be an object"},
      {{{"stream", true}, {"stream_options", {{"include_usage", 1}}}}, "\"stream_options.include_usage\""},
      {{{"stream", true}, {"stream_options", {{"other", 1}}}}, "\"stream_options.other\""},
      {{{"max_tokens", -2}}, "\"max_tokens\" is -2"},
      {{{"max_tokens", 1e300}}, "\"max_tokens\""},
      {{{"n", 17}}, "\"n\" is 17; it must be from 1 to 16"},
      {{{"temperature", "hot"}}, "\"temperature\" has to be a number"},
      {{{"temperature", -1}}, "temperature is -1"},
      {{{"temperature", 1e300}}, "\"temperature\" is too large"},
      {{{"top_p", 2}}, "top_p is 2"},
      {{{"seed", 0.5}}, "\"seed\" has to be a whole number"},
      {{{"stop", 5}}, "\"stop\""},
      {{{"stop", {1}}}, "\"stop\""},
      {{{"stop", ""}}, "stop string is empty"},
      {{{"stop", std::vector<std::string>(65, "a")}}, "\"stop\" has 65"},
      {{{"logit_bias", 5}}, "\"logit_bias\""},
      {{{"logit_bias", {{"a", 1}}}}, "\"logit_bias\" has the key \"a\""},
      {{{"logit_bias", {{"1", "x"}}}}, "\"logit_bias\""},
      {{{"logit_bias", {{"100000", 1}}}}, "logit_bias names token 100000"},
      {{{"logprobs", 5}}, "\"logprobs\" has to be true or false"},
      {{{"top_logprobs", 2}}, "\"top_logprobs\" needs"},
      {{{"logprobs", true}, {"top_logprobs", 21}}, "\"top_logprobs\" is 21"},
      {{{"tools", 5}}, "\"tools\""},
      {{{"tools", Json::array({5})}}, "\"tools\""},
      {{{"tool_choice", "required"}}, "\"tool_choice\" needs \"tools\""},
      {{{"tools", kTools}, {"tool_choice", "all"}}, "\"tool_choice\" has to be"},
      {{{"tools", kTools}, {"tool_choice", {{"function", {{"name", "x"}}}}}}, "\"tool_choice\" names \"x\""},
      {{{"parallel_tool_calls", 1}}, "\"parallel_tool_calls\""},
      {{{"response_format", 5}}, "\"response_format\""},
      {{{"response_format", {{"type", "xml"}}}}, "\"response_format\""},
      {{{"response_format", {{"type", "json_schema"}}}}, "\"response_format\""},
      {{{"response_format", {{"type", "json_schema"}, {"schema", {{"type", "no"}}}}}},
       "\"response_format\" can't"},
      {{{"grammar", "root ::= ("}}, "\"grammar\" can't"},
      {{{"chat_template_kwargs", 5}}, "\"chat_template_kwargs\""},
      {{{"reasoning_format", "some"}}, "\"reasoning_format\""},
      {{{"frequency_penalty", nullptr}, {"temprature", 1}}, "\"temprature\" is not known"},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.more);
    expect_error(chat(server, mistake.more), 400, HasSubstr(mistake.message));
  }
  expect_error(ask(server, openai_chat, Json(5)), 400, HasSubstr("the body has to be a JSON object"));
}

TEST(OpenAiChat, WhatIsNotSupportedIsRefusedByName) {
  FakeServer server;
  const Json image = Json::array({{{"role", "user"}, {"content", Json::array({{{"type", "image_url"}}})}}});
  const Mistake wishes[] = {{{{"messages", image}}, "image_url"},
                            {{{"modalities", {"text", "audio"}}}, "\"modalities\""},
                            {{{"store", true}}, "\"store\""},
                            {{{"mirostat", 1}}, "\"mirostat\""}};
  for (const Mistake& wish : wishes) {
    SCOPED_TRACE(wish.more);
    const Answer answer = chat(server, wish.more);
    expect_error(answer, 501, HasSubstr(wish.message));
    EXPECT_EQ(answer.json()["error"]["type"], "not_supported_error");
  }
}

TEST(OpenAiChat, AnUnknownModelIsNotFound) {
  FakeServer server;
  const Answer answer = chat(server, {{"model", "gpt-4"}});
  expect_error(answer, 404, HasSubstr("\"gpt-4\" is not served here; there is \"tiny\""));
  EXPECT_EQ(answer.json()["error"]["type"], "not_found_error");
}

TEST(OpenAiChat, WhatTheTemplateRefusesIsAMistakeOfTheRequest) {
  FakeServer server({{.options = {.chat_template = "{{ raise_exception('roles must alternate') }}"}}});
  expect_error(chat(server), 400, HasSubstr("roles must alternate"));
}

TEST(OpenAiChat, MoreRequestsThanPlacesAreRefusedForNow) {
  FakeServer server({{}}, {}, /*places=*/2);
  const Answer answer = chat(server, {{"n", 3}});
  expect_error(answer, 503, HasSubstr("try again later"));
  EXPECT_THAT(answer.head.headers, ElementsAre(std::pair<std::string, std::string>("Retry-After", "1")));
  EXPECT_EQ(chat(server, {{"n", 2}}).head.status, 200) << "their places are free again";
}

TEST(OpenAiChat, AnErrorOfTheModelIsAnAnswerOrTheLastEventOfAStream) {
  for (const bool stream : {false, true}) {
    const auto script = says("Hello!");
    script->fail_at = 2;
    FakeServer server({{.script = script}});
    const Answer answer = chat(server, {{"stream", stream}});
    if (stream) {
      EXPECT_EQ(answer.head.status, 200);
      EXPECT_EQ(answer.events().back()["error"]["message"], "the device is gone");
    } else {
      expect_error(answer, 500, HasSubstr("the device is gone"));
    }
  }
}

TEST(OpenAiChat, AClientThatLeavesEndsItsRequest) {
  const auto script = std::make_shared<halcyon::test::Script>();
  script->next = [](std::span<const engine::Token>) { return 'a'; };  // without an end
  FakeServer server({{.script = script, .options = {.n_ctx = 100'000, .n_parallel = 1}}}, {}, /*places=*/1);
  {
    test::Call call(server, openai_chat, request({{"stream", true}}));
    call.next();
  }
  EXPECT_EQ(chat(server, {{"max_tokens", 1}}).head.status, 200);
}

}  // namespace
}  // namespace halcyon::serve
