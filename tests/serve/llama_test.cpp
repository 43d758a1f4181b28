// llama-server's own endpoints.
#include <gmock/gmock.h>

#include "serve/llama_completion.h"
#include "serve/llama_props.h"
#include "serve/llama_query.h"
#include "serve/llama_tokenizer.h"
#include "tests/serve/fake_server.h"

namespace halcyon::serve {
namespace {

using halcyon::test::bytes;
using halcyon::test::kBos;
using halcyon::test::kEnd;
using halcyon::test::kStart;
using test::Answer;
using test::ask;
using test::FakeServer;
using test::says;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Answer complete(FakeServer& server, const Json& body) { return ask(server, llama_completion, body); }

/// The answer is this error.
void expect_error(const Answer& answer, int status, const testing::Matcher<std::string>& message) {
  EXPECT_EQ(answer.head.status, status);
  const Json error = answer.json()["error"];
  EXPECT_EQ(error["code"], status);
  EXPECT_THAT(error["message"].get<std::string>(), message);
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> result;
  for (const auto& [key, value] : object.items()) result.push_back(key);
  return result;
}

// POST /completion

TEST(LlamaCompletion, AnswersWithEveryFieldOfLlamaServer) {
  FakeServer server;
  const Json answer = complete(server, {{"prompt", "Say hello"}}).json();
  EXPECT_THAT(keys(answer),
              ElementsAre("index", "content", "tokens", "id_slot", "stop", "model", "tokens_predicted",
                          "tokens_evaluated", "generation_settings", "prompt", "has_new_line", "truncated",
                          "stop_type", "stopping_word", "tokens_cached", "timings"));
  EXPECT_EQ(answer["index"], 0);
  EXPECT_EQ(answer["content"], "Hello!");
  EXPECT_EQ(answer["tokens"], Json::array());
  EXPECT_EQ(answer["id_slot"], -1);
  EXPECT_EQ(answer["stop"], true);
  EXPECT_EQ(answer["model"], "tiny");
  EXPECT_EQ(answer["tokens_predicted"], 7);  // with the one that ends the text
  EXPECT_EQ(answer["tokens_evaluated"], 9);
  EXPECT_EQ(answer["prompt"], "Say hello");
  EXPECT_EQ(answer["has_new_line"], false);
  EXPECT_EQ(answer["truncated"], false);
  EXPECT_EQ(answer["stop_type"], "eos");
  EXPECT_EQ(answer["stopping_word"], "");
  EXPECT_EQ(answer["tokens_cached"], 15);  // the last one was not evaluated any more
  EXPECT_EQ(answer["timings"]["prompt_n"], 9);
  EXPECT_EQ(answer["timings"]["predicted_n"], 7);
}

TEST(LlamaCompletion, SettingsAreThoseOfTheRequest) {
  FakeServer server;
  const Json settings = complete(server, {{"prompt", "x"},
                                          {"n_predict", 3},
                                          {"temperature", 0.7},
                                          {"top_k", 5},
                                          {"seed", 42},
                                          {"stop", {"END"}},
                                          {"logit_bias", {{7, -1.5}, {8, false}}},
                                          {"n_probs", 2},
                                          {"ignore_eos", true}})
                            .json()["generation_settings"];
  EXPECT_EQ(settings["n_predict"], 3);
  EXPECT_EQ(settings["max_tokens"], 3);
  EXPECT_EQ(settings["temperature"], 0.7);
  EXPECT_EQ(settings["top_k"], 5);
  EXPECT_EQ(settings["seed"], 42);
  EXPECT_EQ(settings["stop"], Json::array({"END"}));
  EXPECT_EQ(settings["logit_bias"][0], Json({{"bias", -1.5}, {"token", 7}}));
  EXPECT_EQ(settings["n_probs"], 2);
  EXPECT_EQ(settings["ignore_eos"], true);
}

TEST(LlamaCompletion, SettingsThatNobodyChoseAreLlamaServersDefaults) {
  FakeServer server;
  const Json settings = complete(server, {{"prompt", "x"}}).json()["generation_settings"];
  const Json defaults = {
      {"seed", 4294967295},
      {"temperature", 0.8},
      {"dynatemp_range", 0},
      {"dynatemp_exponent", 1},
      {"top_k", 40},
      {"top_p", 0.95},
      {"min_p", 0.05},
      {"top_n_sigma", -1},
      {"xtc_probability", 0},
      {"xtc_threshold", 0.1},
      {"typical_p", 1},
      {"repeat_last_n", 64},
      {"repeat_penalty", 1},
      {"presence_penalty", 0},
      {"frequency_penalty", 0},
      {"dry_multiplier", 0},
      {"dry_base", 1.75},
      {"dry_allowed_length", 2},
      {"dry_penalty_last_n", -1},
      {"dry_sequence_breakers", {"\n", ":", "\"", "*"}},
      {"mirostat", 0},
      {"mirostat_tau", 5},
      {"mirostat_eta", 0.1},
      {"stop", Json::array()},
      {"max_tokens", -1},
      {"n_predict", -1},
      {"n_keep", 0},
      {"n_discard", 0},
      {"ignore_eos", false},
      {"stream", false},
      {"logit_bias", Json::array()},
      {"n_probs", 0},
      {"min_keep", 0},
      {"grammar", ""},
      {"grammar_lazy", false},
      {"grammar_triggers", Json::array()},
      {"preserved_tokens", Json::array()},
      {"chat_format", "Content-only"},
      {"reasoning_format", "none"},
      {"reasoning_in_content", false},
      {"generation_prompt", ""},
      {"samplers", {"penalties", "dry", "top_k", "typ_p", "top_p", "min_p", "temperature"}},
      {"speculative.types", "none"},
      {"timings_per_token", false},
      {"post_sampling_probs", false},
      {"backend_sampling", false},
      {"lora", Json::array()}};
  EXPECT_EQ(settings, defaults);
}

TEST(LlamaCompletion, EndsAtTheLimitAtAStopStringOrWithTheContext) {
  FakeServer server({{.script = says("one\ntwo three"), .options = {.n_ctx = 10, .n_parallel = 1}}});
  const Json limit = complete(server, {{"prompt", "x"}, {"n_predict", 4}}).json();
  EXPECT_EQ(limit["content"], "one\n");
  EXPECT_EQ(limit["stop_type"], "limit");
  EXPECT_EQ(limit["has_new_line"], true);
  EXPECT_EQ(limit["truncated"], false);
  const Json word = complete(server, {{"prompt", "x"}, {"stop", {"never", "\nt"}}}).json();
  EXPECT_EQ(word["content"], "one");
  EXPECT_EQ(word["stop_type"], "word");
  EXPECT_EQ(word["stopping_word"], "\nt");
  const Json full = complete(server, {{"prompt", "x"}}).json();
  EXPECT_EQ(full["stop_type"], "limit");
  EXPECT_EQ(full["truncated"], true);
  const Json nothing = complete(server, {{"prompt", "x"}, {"n_predict", 0}}).json();
  EXPECT_EQ(nothing["content"], "");
  EXPECT_EQ(nothing["tokens_predicted"], 0);
  EXPECT_EQ(nothing["tokens_cached"], 1);
}

TEST(LlamaCompletion, StreamsWhatComesAndThenTheWholeButForTheText) {
  FakeServer server({{.script = says("Hé!")}});
  const Answer answer = complete(server, {{"prompt", "x"}, {"stream", true}});
  EXPECT_EQ(answer.head.content_type, "text/event-stream");
  const std::vector<Json> events = answer.events();  // without [DONE]
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0], Json({{"index", 0},
                             {"content", "H"},
                             {"tokens", {'H'}},
                             {"stop", false},
                             {"id_slot", -1},
                             {"tokens_predicted", 1},
                             {"tokens_evaluated", 1}}));
  EXPECT_EQ(events[1]["content"], "é");
  EXPECT_EQ(events[1]["tokens"], Json(bytes("é")));
  EXPECT_EQ(events[1]["tokens_predicted"], 3);
  EXPECT_EQ(events[3]["stop"], true);
  EXPECT_EQ(events[3]["content"], "");
  EXPECT_EQ(events[3]["tokens"], Json::array());
  EXPECT_EQ(events[3]["tokens_predicted"], 5);
  EXPECT_EQ(events[3]["generation_settings"]["stream"], true);
}

TEST(LlamaCompletion, StreamsTimingsWithEachTokenIfWanted) {
  FakeServer server;
  const auto events =
      complete(server, {{"prompt", "x"}, {"stream", true}, {"timings_per_token", true}}).events();
  EXPECT_EQ(events[0]["timings"]["predicted_n"], 1);
  EXPECT_EQ(events[1]["timings"]["predicted_n"], 2);
  EXPECT_GT(events[1]["timings"]["predicted_ms"], 0.0);
}

TEST(LlamaCompletion, APromptIsTextOrTokensOrBoth) {
  FakeServer server;
  EXPECT_EQ(complete(server, {{"prompt", {'a', 'b'}}}).json()["prompt"], "ab");
  EXPECT_EQ(complete(server, {{"prompt", {kStart, "ab", 'c'}}}).json()["prompt"], "<|im_start|>abc");
  const Json tagged = complete(server, {{"prompt", "<|im_start|>a"}}).json();
  EXPECT_EQ(tagged["tokens_evaluated"], 2) << "control tokens are seen in text";
}

TEST(LlamaCompletion, TextBeginsWithBosIfTheModelWantsItAndTokensAreAsTheyAre) {
  FakeServer server({{.options = {.n_ctx = 64, .add_bos = true}}});
  EXPECT_EQ(complete(server, {{"prompt", "a"}}).json()["prompt"], "<s>a");
  EXPECT_EQ(complete(server, {{"prompt", "<s>a"}}).json()["prompt"], "<s>a");
  EXPECT_EQ(complete(server, {{"prompt", {"a", 'b', "c"}}}).json()["prompt"], "<s>abc");
  EXPECT_EQ(complete(server, {{"prompt", {'a', "b"}}}).json()["prompt"], "ab");
}

TEST(LlamaCompletion, SeveralPromptsAreAnsweredByAList) {
  FakeServer server;
  const Json answers = complete(server, {{"prompt", {"a", {'b', 'c'}, {"d", 'e'}}}}).json();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[1]["index"], 1);
  EXPECT_EQ(answers[1]["prompt"], "bc");
  EXPECT_EQ(answers[2]["prompt"], "de");
  EXPECT_EQ(complete(server, {{"prompt", {"a"}}}).json().size(), 1u);
  EXPECT_TRUE(complete(server, {{"prompt", {"a"}}}).json().is_array());
}

TEST(LlamaCompletion, SeveralPromptsAreStreamedByTheirIndex) {
  FakeServer server;
  std::vector<std::string> texts(2);
  for (const Json& event : complete(server, {{"prompt", {"a", "b"}}, {"stream", true}}).events())
    texts.at(event["index"]) += event["content"];
  EXPECT_THAT(texts, ElementsAre("Hello!", "Hello!"));
}

TEST(LlamaCompletion, GivesTheTokensIfWanted) {
  FakeServer server;
  EXPECT_EQ(complete(server, {{"prompt", "x"}, {"return_tokens", true}}).json()["tokens"],
            Json(bytes("Hello!")));
}

TEST(LlamaCompletion, SaysHowLikelyTokensWere) {
  FakeServer server({{.script = says("ab")}});
  const Json answer = complete(server, {{"prompt", "x"}, {"n_probs", 2}}).json();
  const Json& probabilities = answer["completion_probabilities"];
  ASSERT_EQ(probabilities.size(), 2u);
  EXPECT_EQ(probabilities[0]["id"], 'a');
  EXPECT_EQ(probabilities[0]["token"], "a");
  EXPECT_EQ(probabilities[0]["bytes"], Json::array({'a'}));
  EXPECT_LT(probabilities[0]["logprob"], 0.0);
  ASSERT_EQ(probabilities[0]["top_logprobs"].size(), 2u);
  EXPECT_EQ(probabilities[0]["top_logprobs"][0]["id"], 'a');

  const auto events = complete(server, {{"prompt", "x"}, {"n_probs", 1}, {"stream", true}}).events();
  EXPECT_EQ(events[1]["completion_probabilities"][0]["id"], 'b');
  EXPECT_FALSE(events.back().contains("completion_probabilities"));
}

TEST(LlamaCompletion, GivesOnlyTheFieldsThatAreWanted) {
  FakeServer server;
  const Json wanted = {"content", "timings/predicted_n", "timings/none", "model/name", "", "none"};
  EXPECT_EQ(complete(server, {{"prompt", "x"}, {"response_fields", wanted}}).json(),
            Json({{"content", "Hello!"}, {"timings/predicted_n", 7}}));
}

TEST(LlamaCompletion, FollowsAGrammar) {
  FakeServer server({{.script = says("no")}});
  const std::string grammar = "root ::= \"yes\"";
  const Json answer = complete(server, {{"prompt", "x"}, {"grammar", grammar}}).json();
  EXPECT_EQ(answer["content"], "yes");
  EXPECT_EQ(answer["stop_type"], "eos");
  EXPECT_EQ(answer["generation_settings"]["grammar"], grammar);
  EXPECT_EQ(complete(server, {{"prompt", "x"}, {"json_schema", {{"const", 5}}}}).json()["content"], "5");
  expect_error(complete(server, {{"prompt", "x"}, {"grammar", "root"}}), 400, HasSubstr("\"grammar\" can't"));
}

TEST(LlamaCompletion, KeepsThePromptUnlessToldNotTo) {
  FakeServer server;
  const Json body = {{"prompt", "The same beginning"}};
  complete(server, body);
  EXPECT_EQ(complete(server, body).json()["timings"]["cache_n"], 17);
  Json anew = body;
  anew["cache_prompt"] = false;
  EXPECT_EQ(complete(server, anew).json()["timings"]["cache_n"], 0);
}

TEST(LlamaCompletion, NeutralValuesOfWhatIsNotSupportedAreTaken) {
  FakeServer server;
  EXPECT_EQ(complete(server, {{"prompt", "x"},
                              {"id_slot", -1},
                              {"n_keep", 0},
                              {"n_discard", 0},
                              {"n_indent", 0},
                              {"t_max_predict_ms", 0},
                              {"return_progress", false},
                              {"post_sampling_probs", false},
                              {"mirostat", 0},
                              {"xtc_probability", 0.0},
                              {"lora", Json::array()}})
                .head.status,
            200);
}

TEST(LlamaCompletion, WhatIsNotSupportedIsRefusedByName) {
  FakeServer server;
  const Json wishes = {{"id_slot", 1},
                       {"n_keep", 5},
                       {"n_discard", 1},
                       {"n_indent", 2},
                       {"t_max_predict_ms", 100},
                       {"return_progress", true},
                       {"post_sampling_probs", true},
                       {"samplers", {"top_k"}},
                       {"mirostat", 2}};
  for (const auto& [name, value] : wishes.items()) {
    SCOPED_TRACE(name);
    expect_error(complete(server, {{"prompt", "x"}, {name, value}}), 501, HasSubstr('"' + name + '"'));
  }
  expect_error(complete(server, {{"prompt", "x"}, {"image_data", 1}}), 400, HasSubstr("image_data"));
}

TEST(LlamaCompletion, WrongFieldsAreRefusedByName) {
  FakeServer server;
  expect_error(complete(server, Json::array()), 400, HasSubstr("JSON object"));
  expect_error(complete(server, Json::object()), 400, HasSubstr("\"prompt\" is missing"));
  for (const Json& prompt :
       {Json(5), Json(true), Json::object(), Json::array(), Json::array({-1}), Json::array({1.5}),
        Json::array({Json::array()}), Json::array({Json::array({Json::array({1})})}),
        Json::array({1, Json::array({2})})}) {
    SCOPED_TRACE(prompt);
    expect_error(complete(server, {{"prompt", prompt}}), 400, HasSubstr("\"prompt\" has to be"));
  }
  expect_error(complete(server, {{"prompt", std::vector<std::string>(65, "a")}}), 400,
               HasSubstr("at most 64"));
  expect_error(complete(server, {{"prompt", ""}}), 400, HasSubstr("prompt is empty"));
  expect_error(complete(server, {{"prompt", {100000}}}), 400, HasSubstr("token 100000"));
  expect_error(complete(server, {{"prompt", "x"}, {"n_predict", "5"}}), 400, HasSubstr("\"n_predict\""));
  expect_error(complete(server, {{"prompt", "x"}, {"n_probs", -1}}), 400, HasSubstr("\"n_probs\""));
  expect_error(complete(server, {{"prompt", "x"}, {"stream", 1}}), 400, HasSubstr("\"stream\""));
  expect_error(complete(server, {{"prompt", "x"}, {"stop", ""}}), 400, HasSubstr("stop string is empty"));
  expect_error(complete(server, {{"prompt", "x"}, {"temperature", -1}}), 400, HasSubstr("temperature"));
  expect_error(complete(server, {{"prompt", "x"}, {"model", "other"}}), 404, HasSubstr("\"tiny\""));
}

TEST(LlamaCompletion, APromptLongerThanTheContextIsRefusedWithTheCounts) {
  FakeServer server({{.options = {.n_ctx = 8}}});
  const Answer answer = complete(server, {{"prompt", "123456789"}, {"stream", true}});
  expect_error(answer, 400, HasSubstr("9 tokens"));
  const Json error = answer.json()["error"];
  EXPECT_EQ(error["type"], "exceed_context_size_error");
  EXPECT_EQ(error["n_prompt_tokens"], 9);
  EXPECT_EQ(error["n_ctx"], 8);
}

TEST(LlamaCompletion, AnErrorInTheMiddleOfAStreamIsItsLastEvent) {
  const auto script = says("Hello!");
  script->fail_at = 2;
  FakeServer server({{.script = script}});
  const Answer answer = complete(server, {{"prompt", "x"}, {"stream", true}});
  EXPECT_EQ(answer.head.status, 200);
  EXPECT_EQ(answer.events().back()["error"]["message"], "the device is gone");
}

// POST /tokenize, /detokenize, /apply-template

TEST(LlamaTokenizer, MakesTokensOfText) {
  FakeServer server({{.options = {.add_bos = true}}});
  EXPECT_EQ(ask(server, llama_tokenize, {{"content", "ab"}}).json(), Json({{"tokens", {'a', 'b'}}}));
  EXPECT_EQ(ask(server, llama_tokenize, {{"content", ""}}).json(), Json({{"tokens", Json::array()}}));
  EXPECT_EQ(ask(server, llama_tokenize, {{"content", "a"}, {"add_special", true}}).json()["tokens"],
            Json({kBos, 'a'}));
  EXPECT_EQ(ask(server, llama_tokenize, {{"content", "<s>"}}).json()["tokens"], Json::array({kBos}));
  EXPECT_EQ(ask(server, llama_tokenize, {{"content", "<s>"}, {"parse_special", false}}).json()["tokens"],
            Json(bytes("<s>")));
}

TEST(LlamaTokenizer, GivesPiecesAsTextOrAsBytes) {
  FakeServer server;
  EXPECT_EQ(ask(server, llama_tokenize, {{"content", "aé<s>"}, {"with_pieces", true}}).json()["tokens"],
            Json({{{"id", 'a'}, {"piece", "a"}},
                  {{"id", 0xC3}, {"piece", Json::array({0xC3})}},
                  {{"id", 0xA9}, {"piece", Json::array({0xA9})}},
                  {{"id", kBos}, {"piece", "<s>"}}}));
}

TEST(LlamaTokenizer, MakesTextOfTokens) {
  FakeServer server;
  EXPECT_EQ(ask(server, llama_detokenize, {{"tokens", {kBos, 0xC3, 0xA9, kEnd}}}).json(),
            Json({{"content", "<s>é<|im_end|>"}}));
  EXPECT_EQ(ask(server, llama_detokenize, {{"tokens", Json::array()}}).json()["content"], "");
}

TEST(LlamaTokenizer, RendersAConversation) {
  FakeServer server({{.options = {.chat_template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% "
                                                   "endfor %}{{ tools | length }}{{ mood }}"}}});
  const Json tool = {{"type", "function"}, {"function", {{"name", "look"}, {"parameters", Json::object()}}}};
  EXPECT_EQ(ask(server, llama_apply_template,
                {{"messages", Json::array({{{"role", "user"}, {"content", "Hi"}}})},
                 {"tools", Json::array({tool})},
                 {"chat_template_kwargs", {{"mood", "!"}}}})
                .json(),
            Json({{"prompt", "[user]Hi1!"}}));
}

TEST(LlamaTokenizer, WrongFieldsAreRefusedByName) {
  FakeServer server;
  expect_error(ask(server, llama_tokenize, Json::object()), 400, HasSubstr("\"content\" is missing"));
  expect_error(ask(server, llama_tokenize, {{"content", 5}}), 400, HasSubstr("\"content\""));
  expect_error(ask(server, llama_tokenize, {{"content", "x"}, {"more", 5}}), 400, HasSubstr("\"more\""));
  expect_error(ask(server, llama_detokenize, Json::object()), 400, HasSubstr("\"tokens\" is missing"));
  expect_error(ask(server, llama_detokenize, {{"tokens", {"a"}}}), 400, HasSubstr("\"tokens\""));
  expect_error(ask(server, llama_detokenize, {{"tokens", {-1}}}), 400, HasSubstr("\"tokens\""));
  expect_error(ask(server, llama_detokenize, {{"tokens", {9999}}}), 400,
               AllOf(HasSubstr("9999"), HasSubstr("0 to 258")));
  expect_error(ask(server, llama_apply_template, Json::object()), 400, HasSubstr("\"messages\" is missing"));
}

TEST(LlamaTokenizer, AModelThatCantBeLoadedIsAnError) {
  FakeServer server;
  server.fail_to_load();
  expect_error(ask(server, llama_tokenize, {{"content", "x"}}), 503, HasSubstr("the file is gone"));
}

// GET /props and /slots

/// An answer that is there at once.
Answer get(Outcome<std::unique_ptr<Exchange>> exchange) {
  test::Call call(std::move(exchange), Dialect::openai);
  Answer answer;
  while (auto piece = call.next()) answer.pieces.push_back(std::move(*piece));
  answer.head = call.head();
  return answer;
}

TEST(LlamaProps, TellOfTheServerAndItsModel) {
  FakeServer server({{.options = {.n_ctx = 512, .chat_template = "{{ messages }}"}}});
  const Json props = get(llama_props(server.services(), "", 2)).json();
  EXPECT_EQ(props["total_slots"], 2);
  EXPECT_EQ(props["model_alias"], "tiny");
  EXPECT_EQ(props["model_path"], "tiny");
  EXPECT_EQ(props["chat_template"], "{{ messages }}");
  EXPECT_EQ(props["modalities"], Json({{"vision", false}, {"audio", false}}));
  EXPECT_THAT(props["build_info"].get<std::string>(), testing::StartsWith("halcyon "));
  EXPECT_EQ(props["default_generation_settings"]["params"]["temperature"], 0.8);
}

TEST(LlamaProps, TheContextIsKnownBeforeTheModelIsLoaded) {
  FakeServer server;
  EXPECT_EQ(get(llama_props(server.services(), "", 2)).json()["default_generation_settings"]["n_ctx"], 512);
  EXPECT_EQ(server.loads(), 0);
  complete(server, {{"prompt", "x"}});
  EXPECT_EQ(get(llama_props(server.services(), "", 2)).json()["default_generation_settings"]["n_ctx"], 512);
}

TEST(LlamaProps, TheQueryNamesOneOfSeveralModels) {
  FakeServer server({{.name = "one"}, {.name = "org/two 2"}});
  const auto alias = [&](std::string_view query) {
    return get(llama_props(server.services(), query, 1)).json()["model_alias"];
  };
  EXPECT_EQ(alias(""), "one");
  EXPECT_EQ(alias("autoload=false&model=org%2Ftwo%202"), "org/two 2");
  expect_error(get(llama_props(server.services(), "model=three", 1)), 404, HasSubstr("\"three\""));
  expect_error(get(llama_slots(server.services(), "model=three", 1)), 404, HasSubstr("\"three\""));
}

TEST(LlamaSlots, AreFreeWhileNothingRuns) {
  FakeServer server;
  const Json unloaded = get(llama_slots(server.services(), "", 2)).json();
  EXPECT_EQ(unloaded, Json({{{"id", 0}, {"n_ctx", 512}, {"speculative", false}, {"is_processing", false}},
                            {{"id", 1}, {"n_ctx", 512}, {"speculative", false}, {"is_processing", false}}}));
  EXPECT_EQ(server.loads(), 0);
}

TEST(LlamaSlots, TellWhatTheyAreDoing) {
  const auto script = says("Hello!");
  script->next = [&script, next = script->next](std::span<const engine::Token> past) {
    if (past.size() == 3) script->hold();  // from the next step on
    return next(past);
  };
  FakeServer server({{.script = script}});
  test::Call call(server, llama_completion, {{"prompt", "x"}, {"stream", true}});
  call.next();
  script->await_step();
  const Json slots = get(llama_slots(server.services(), "", 2)).json();
  script->release();
  EXPECT_EQ(slots[0]["is_processing"], true);
  EXPECT_EQ(slots[0]["id_task"], 1);
  EXPECT_EQ(slots[0]["n_ctx"], 512);
  EXPECT_EQ(slots[0]["n_past"], 3);
  EXPECT_EQ(slots[0]["next_token"], Json::array({{{"has_next_token", true}, {"n_decoded", 3}}}));
  EXPECT_EQ(slots[1]["is_processing"], false);
}

TEST(LlamaQuery, IsDecoded) {
  EXPECT_EQ(percent_decode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%-1%+1"), "%zz%-1%+1");
  EXPECT_EQ(query_value("a=1&b=2&&c", "b"), "2");
  EXPECT_EQ(query_value("ab=1", "b"), "");
  EXPECT_EQ(query_value("c", "c"), "");
}

}  // namespace
}  // namespace halcyon::serve
