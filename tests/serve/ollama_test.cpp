// Ollama's HTTP API, on models without weights.
#include <gmock/gmock.h>

#include <thread>

#include "serve/ollama_chat.h"
#include "serve/ollama_embed.h"
#include "serve/ollama_generate.h"
#include "serve/ollama_models.h"
#include "serve/ollama_time.h"
#include "tests/serve/fake_server.h"
#include "tests/support/support.h"

namespace halcyon::serve {
namespace {

using std::chrono::seconds;
using test::Answer;
using test::FakeModel;
using test::FakeServer;
using test::says;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr auto kOllama = Dialect::ollama;
const Json kHi = Json::array({{{"role", "user"}, {"content", "Hi"}}});

/// Shows all that a template of Qwen3's kind looks at.
constexpr std::string_view kTemplate =
    "{% if tools %}tools {{ tools | tojson }}{% endif %}"
    "{% if enable_thinking is defined %}thinking {{ enable_thinking }}{% endif %}"
    "{% if reasoning_effort %}, {{ reasoning_effort }}{% endif %}"
    "{% for m in messages %}[{{ m.role }}{% if m.name %} {{ m.name }}{% endif %}]"
    "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}"
    "{% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments.city }}{% endfor %}"
    "{% endfor %}[assistant]";

FakeModel model(std::string_view answer, std::string_view chat_template = kTemplate) {
  FakeModel fake;
  fake.script = says(answer);
  fake.options.chat_template = chat_template;
  return fake;
}

Answer chat(FakeServer& server, const Json& body) {
  Json whole = {{"model", "tiny"}, {"messages", kHi}};
  whole.update(body);
  return ask(server, ollama_chat, whole, kOllama);
}

Answer generate(FakeServer& server, const Json& body) {
  Json whole = {{"model", "tiny"}, {"prompt", "Hi"}};
  whole.update(body);
  return ask(server, ollama_generate, whole, kOllama);
}

Answer embed(FakeServer& server, const Json& body) {
  Json whole = {{"model", "tiny"}};
  whole.update(body);
  return ask(server, ollama_embed, whole, kOllama);
}

/// The last object of a chat that is not streamed.
Json chat_whole(FakeServer& server, Json body) {
  body["stream"] = false;
  return chat(server, body).json();
}

/// What the model was shown, and what it said.
std::string seen(const FakeModel& fake) {
  std::string text;
  for (const backend::Token token : fake.script->past)
    if (token < 256) text += static_cast<char>(token);
  return text;
}

testing::AssertionResult refused(const Answer& answer, int status, const std::string& why) {
  const std::string body = answer.body();
  const Json json = Json::parse(body, nullptr, false);
  if (answer.head.status == status && json.is_object() && json.size() == 1 && json.contains("error") &&
      json["error"].is_string() && json["error"].get<std::string>().contains(why))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << answer.head.status << " " << body;
}

/// Models leave on the store's own thread.
void wait_until_unloaded(FakeServer& server) {
  while (server.models().state(0).loaded) std::this_thread::yield();
}

// POST /api/chat: the form of answers.

TEST(OllamaChat, StreamsLinesUnlessToldNotTo) {
  FakeServer server({model("Hello!")});
  const Answer answer = chat(server, Json::object());
  EXPECT_EQ(answer.head.status, 200);
  EXPECT_EQ(answer.head.content_type, "application/x-ndjson");
  const std::vector<Json> lines = answer.lines();
  ASSERT_GE(lines.size(), 2u);
  std::string text;
  for (const Json& line : lines) {
    EXPECT_EQ(line["model"], "tiny");
    EXPECT_THAT(line["created_at"].get<std::string>(),
                MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{9}Z"));
    EXPECT_EQ(line["message"]["role"], "assistant");
    EXPECT_EQ(line["done"], &line == &lines.back());
    EXPECT_EQ(line.contains("done_reason"), &line == &lines.back());
    text += line["message"]["content"].get<std::string>();
  }
  EXPECT_EQ(text, "Hello!");
  EXPECT_EQ(lines.back()["message"]["content"], "");
}

TEST(OllamaChat, IsOneObjectIfNotStreamed) {
  FakeServer server({model("Hello!")});
  const Answer answer = chat(server, {{"stream", false}});
  EXPECT_EQ(answer.head.content_type, "application/json");
  const Json json = answer.json();
  EXPECT_EQ(json["message"], Json({{"role", "assistant"}, {"content", "Hello!"}}));
  EXPECT_EQ(json["done"], true);
  EXPECT_EQ(json["done_reason"], "stop");
}

TEST(OllamaChat, TheLastObjectSaysWhatItTook) {
  FakeServer server({model("Hello!")});
  const Json last = chat(server, Json::object()).lines().back();
  EXPECT_EQ(last["prompt_eval_count"], std::string("[user]Hi[assistant]").size());
  EXPECT_EQ(last["eval_count"], 7);  // the end is a token, too
  EXPECT_EQ(last["load_duration"], 250'000'000);
  EXPECT_GT(last["total_duration"], 0);
  EXPECT_GT(last["prompt_eval_duration"], 0);
  EXPECT_GT(last["eval_duration"], 0);
  const Json again = chat(server, Json::object()).lines().back();
  EXPECT_EQ(again["load_duration"], 0);
  EXPECT_EQ(again["prompt_eval_count"], last["prompt_eval_count"]);  // of them some are known already
}

TEST(OllamaChat, TheModelIsKnownWithAndWithoutATag) {
  FakeServer server({model("Hello!")});
  EXPECT_EQ(chat(server, {{"model", "tiny:latest"}}).lines().back()["model"], "tiny:latest");
  EXPECT_TRUE(refused(chat(server, {{"model", "other"}}), 404, "\"other\""));
}

// Options.

TEST(OllamaOptions, AreNamedAsInTheDocumentation) {
  FakeServer server({model("Hello!")});
  const Json options = {{"num_ctx", 512},
                        {"num_predict", 4},
                        {"temperature", 0.5},
                        {"top_k", 20},
                        {"top_p", 0.9},
                        {"min_p", 0.1},
                        {"typical_p", 1},
                        {"repeat_penalty", 1},
                        {"repeat_last_n", 32},
                        {"seed", 42},
                        {"presence_penalty", 0},
                        {"frequency_penalty", 0},
                        {"stop", {"never"}},
                        {"num_keep", 0},
                        {"tfs_z", 1},
                        {"mirostat", 0},
                        {"penalize_newline", true}};
  EXPECT_EQ(chat_whole(server, {{"options", options}})["message"]["content"], "Hell");
}

TEST(OllamaOptions, OfHowToComputeAreTheServersBusiness) {
  FakeServer server({model("Hello!")});
  const Json options = {{"num_thread", 8},  {"num_gpu", 99},     {"num_batch", 512},
                        {"use_mmap", true}, {"use_mlock", true}, {"low_vram", false},
                        {"numa", false},    {"main_gpu", 1},     {"f16_kv", true}};
  EXPECT_EQ(chat_whole(server, {{"options", options}})["message"]["content"], "Hello!");
}

TEST(OllamaOptions, ThatAreNotSupportedAreRefusedByName) {
  FakeServer server({model("Hello!")});
  EXPECT_TRUE(refused(chat(server, {{"options", {{"num_keep", 4}}}}), 501, "options.num_keep"));
  EXPECT_TRUE(refused(chat(server, {{"options", {{"mirostat", 2}}}}), 501, "options.mirostat"));
  EXPECT_TRUE(refused(chat(server, {{"options", {{"temprature", 1}}}}), 400, "options.temprature"));
  EXPECT_TRUE(refused(chat(server, {{"options", {{"temperature", "hot"}}}}), 400, "options.temperature"));
  EXPECT_TRUE(refused(chat(server, {{"options", 1}}), 400, "\"options\""));
  EXPECT_TRUE(refused(chat(server, {{"shift", true}}), 501, "shift"));
  EXPECT_TRUE(refused(chat(server, {{"colour", 1}}), 400, "colour"));
}

TEST(OllamaOptions, NumCtxIsServedUpToTheContextThereIs) {
  FakeServer server({model("Hello!")});
  EXPECT_EQ(chat_whole(server, {{"options", {{"num_ctx", 256}}}})["done"], true);
  const Answer answer = chat(server, {{"options", {{"num_ctx", 8192}}}});
  EXPECT_TRUE(refused(answer, 400, "8192"));
  EXPECT_TRUE(refused(answer, 400, "512"));
}

TEST(OllamaOptions, NumPredictBelowZeroIsUnlimited) {
  FakeServer server({model("Hello!")});
  for (const int n : {-1, -2}) {
    const Json json = chat_whole(server, {{"options", {{"num_predict", n}}}});
    EXPECT_EQ(json["message"]["content"], "Hello!");
    EXPECT_EQ(json["done_reason"], "stop");
  }
  EXPECT_EQ(chat_whole(server, {{"options", {{"num_predict", 2}}}})["done_reason"], "length");
}

TEST(OllamaOptions, StopEndsTheText) {
  FakeServer server({model("Hello!")});
  for (const Json& stop : {Json("lo"), Json::array({"x", "lo"})}) {
    const Json json = chat_whole(server, {{"options", {{"stop", stop}}}});
    EXPECT_EQ(json["message"]["content"], "Hel");
    EXPECT_EQ(json["done_reason"], "stop");
  }
}

// Thinking.

TEST(OllamaThink, IsToldApart) {
  FakeServer server({model("<think>\nWell…\n</think>\n\nHello!")});
  const Json json = chat_whole(server, {{"think", true}});
  EXPECT_EQ(json["message"]["thinking"], "Well…");
  EXPECT_EQ(json["message"]["content"], "Hello!");
  std::string thinking, content;
  for (const Json& line : chat(server, {{"think", true}}).lines()) {
    thinking += line["message"].value("thinking", "");
    content += line["message"]["content"].get<std::string>();
  }
  EXPECT_EQ(thinking, "Well…");
  EXPECT_EQ(content, "Hello!");
}

TEST(OllamaThink, IsWhatModelsThatCanDoUnlessToldNotTo) {
  const FakeModel fake = model("<think>Well…</think>Hello!");
  FakeServer server({fake});
  EXPECT_EQ(chat_whole(server, Json::object())["message"]["thinking"], "Well…");
  EXPECT_THAT(seen(fake), StartsWith("[user]"));
  const Json json = chat_whole(server, {{"think", false}});
  EXPECT_EQ(json["message"]["content"], "<think>Well…</think>Hello!");
  EXPECT_THAT(seen(fake), StartsWith("thinking False[user]"));
}

TEST(OllamaThink, HowMuchIsForTheTemplate) {
  const FakeModel fake = model("Hello!");
  FakeServer server({fake});
  chat(server, {{"think", "low"}});
  EXPECT_THAT(seen(fake), StartsWith("thinking True, low[user]"));
  EXPECT_TRUE(refused(chat(server, {{"think", "very"}}), 400, "\"think\""));
}

TEST(OllamaThink, IsRefusedWhereAModelCannot) {
  FakeServer server({model("Hello!", "")});
  EXPECT_TRUE(refused(chat(server, {{"think", true}}), 400, "does not support thinking"));
  EXPECT_EQ(chat_whole(server, {{"think", false}})["message"]["content"], "Hello!");
}

// Tools.

const Json kTools = Json::array(
    {{{"type", "function"},
      {"function",
       {{"name", "weather"},
        {"description", "The weather in a city"},
        {"parameters",
         {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}, {"required", {"city"}}}}}}}});

TEST(OllamaTools, CallsHaveObjectsAsArguments) {
  const FakeModel fake =
      model("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>");
  FakeServer server({fake});
  const Json message = chat_whole(server, {{"tools", kTools}})["message"];
  EXPECT_THAT(seen(fake), StartsWith("tools [{"));
  EXPECT_EQ(message["content"], "");
  ASSERT_EQ(message["tool_calls"].size(), 1u);
  EXPECT_EQ(message["tool_calls"][0]["function"],
            Json({{"name", "weather"}, {"arguments", {{"city", "Rome"}}}}));

  const std::vector<Json> lines = chat(server, {{"tools", kTools}}).lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0]["message"]["tool_calls"][0]["function"]["arguments"]["city"], "Rome");
  EXPECT_EQ(lines[1]["done_reason"], "stop");
}

TEST(OllamaTools, CallsAndResultsComeBackAsMessages) {
  const FakeModel fake = model("Sunny.");
  FakeServer server({fake});
  const Json call = {{"function", {{"name", "weather"}, {"arguments", {{"city", "Rome"}}}}}};
  const Json messages = Json::array(
      {{{"role", "user"}, {"content", "Weather?"}},
       {{"role", "assistant"}, {"content", ""}, {"thinking", "Ask."}, {"tool_calls", Json::array({call})}},
       {{"role", "tool"}, {"content", "sun"}, {"tool_name", "weather"}}});
  EXPECT_EQ(chat_whole(server, {{"messages", messages}, {"think", false}})["message"]["content"], "Sunny.");
  EXPECT_THAT(
      seen(fake),
      HasSubstr("[user]Weather?[assistant]<think>Ask.</think>weatherRome[tool weather]sun[assistant]"));
}

TEST(OllamaTools, AreRefusedWhereAModelKnowsNone) {
  FakeServer server({model("Hello!", "")});
  EXPECT_TRUE(refused(chat(server, {{"tools", kTools}}), 400, "does not support tools"));
}

// Format.

TEST(OllamaFormat, HoldsTheModelToASchema) {
  FakeServer server({model("Hello!")});
  const Json json =
      chat_whole(server, {{"format", {{"type", "boolean"}}}, {"options", {{"temperature", 0}}}});
  EXPECT_THAT(json["message"]["content"].get<std::string>(), testing::AnyOf("true", "false"));
}

TEST(OllamaFormat, IsJsonOrASchemaOrNone) {
  FakeServer server({model("{\"a\": 1}")});
  EXPECT_EQ(chat_whole(server, {{"format", "json"}})["message"]["content"], "{\"a\": 1}");
  EXPECT_EQ(chat_whole(server, {{"format", ""}})["message"]["content"], "{\"a\": 1}");
  EXPECT_TRUE(refused(chat(server, {{"format", "yaml"}}), 400, "\"format\""));
  EXPECT_TRUE(refused(chat(server, {{"format", {{"type", "colour"}}}}), 400, "\"format\""));
}

// Log-probabilities.

TEST(OllamaLogprobs, ComeWithTheText) {
  FakeServer server({model("Hi!")});
  const Json json = chat_whole(server, {{"logprobs", true}, {"top_logprobs", 2}});
  ASSERT_EQ(json["logprobs"].size(), 3u);
  EXPECT_EQ(json["logprobs"][0]["token"], "H");
  EXPECT_EQ(json["logprobs"][0]["bytes"], Json::array({'H'}));
  EXPECT_EQ(json["logprobs"][0]["top_logprobs"].size(), 2u);
  const std::vector<Json> lines = chat(server, {{"logprobs", true}}).lines();
  EXPECT_EQ(lines[0]["logprobs"][0]["token"], "H");
  EXPECT_TRUE(refused(chat(server, {{"top_logprobs", 2}}), 400, "top_logprobs"));
}

// Loading and unloading.

TEST(OllamaLoad, WithoutMessagesTheModelIsLoaded) {
  FakeServer server({model("Hello!")});
  for (const Json& messages : {Json::array(), Json()}) {
    const Json json = chat(server, {{"messages", messages}}).json();
    EXPECT_EQ(json["done_reason"], "load");
    EXPECT_EQ(json["done"], true);
    EXPECT_EQ(json["message"], Json({{"role", "assistant"}, {"content", ""}}));
    EXPECT_TRUE(server.models().state(0).loaded);
  }
}

TEST(OllamaLoad, WithoutAPromptTheModelIsLoaded) {
  FakeServer server({model("Hello!")});
  for (const bool raw : {false, true}) {
    const Json json = generate(server, {{"prompt", ""}, {"raw", raw}}).json();
    EXPECT_EQ(json["done_reason"], "load");
    EXPECT_EQ(json["response"], "");
  }
  EXPECT_EQ(server.loads(), 1);
}

TEST(OllamaLoad, KeptForNoTimeItIsUnloaded) {
  FakeServer server({model("Hello!")});
  generate(server, {{"prompt", ""}});
  const Json json = generate(server, {{"prompt", ""}, {"keep_alive", 0}}).json();
  EXPECT_EQ(json["done_reason"], "unload");
  wait_until_unloaded(server);
  EXPECT_EQ(generate(server, {{"prompt", ""}, {"keep_alive", "0s"}}).json()["done_reason"], "unload");
  EXPECT_EQ(server.loads(), 1) << "to be unloaded a model need not be loaded";
}

TEST(OllamaLoad, KeepAliveHoldsAfterAnAnswerToo) {
  FakeServer server({model("Hello!")});
  EXPECT_EQ(chat_whole(server, {{"keep_alive", 0}})["message"]["content"], "Hello!");
  wait_until_unloaded(server);
  chat(server, {{"keep_alive", "5m"}});
  const auto expires = server.models().state(0).expires;
  ASSERT_TRUE(expires);
  EXPECT_GT(*expires, ModelStore::Clock::now() + seconds(30));
  chat(server, {{"keep_alive", -1}});
  EXPECT_FALSE(server.models().state(0).expires);
  EXPECT_TRUE(refused(chat(server, {{"keep_alive", "soon"}}), 400, "keep_alive"));
}

TEST(OllamaLoad, AFailureIsToldWithItsReason) {
  FakeServer server({model("Hello!")});
  server.fail_to_load();
  EXPECT_TRUE(refused(chat(server, Json::object()), 503, "the file is gone"));
}

// Errors.

TEST(OllamaErrors, InTheMidstOfAnAnswerAreALine) {
  const FakeModel fake = model("Hello!");
  fake.script->fail_at = 3;
  FakeServer server({fake});
  const Answer answer = chat(server, Json::object());
  EXPECT_EQ(answer.head.status, 200);
  EXPECT_EQ(answer.lines().back(), Json({{"error", "the device is gone"}}));
}

TEST(OllamaErrors, SayWhatIsWrongWithMessages) {
  FakeServer server({model("Hello!")});
  EXPECT_TRUE(refused(chat(server, {{"messages", "Hi"}}), 400, "messages"));
  const Json image = Json::array({{{"role", "user"}, {"content", "What?"}, {"images", {"aGk="}}}});
  EXPECT_TRUE(refused(chat(server, {{"messages", image}}), 501, "images"));
  const Json longer = Json::array({{{"role", "user"}, {"content", std::string(600, 'x')}}});
  EXPECT_TRUE(refused(chat(server, {{"messages", longer}}), 400, "context"));
}

TEST(OllamaErrors, AFullServerIsUnavailable) {
  FakeServer server({model("Hello!")}, {}, 0);
  EXPECT_TRUE(refused(chat(server, Json::object()), 503, "try again"));
}

// POST /api/generate

TEST(OllamaGenerate, CompletesAPromptOfTheUser) {
  const FakeModel fake = model("Hello!");
  FakeServer server({fake});
  std::string text;
  const std::vector<Json> lines = generate(server, {{"system", "Be kind."}}).lines();
  for (const Json& line : lines) text += line["response"].get<std::string>();
  EXPECT_EQ(text, "Hello!");
  EXPECT_EQ(lines.back()["done_reason"], "stop");
  EXPECT_EQ(lines.back()["eval_count"], 7);
  EXPECT_FALSE(lines.back().contains("message"));
  EXPECT_THAT(seen(fake), StartsWith("[system]Be kind.[user]Hi[assistant]"));
}

TEST(OllamaGenerate, RawIsWithoutTemplate) {
  const FakeModel fake = model("<think>!");
  FakeServer server({fake});
  EXPECT_EQ(generate(server, {{"raw", true}, {"stream", false}}).json()["response"], "<think>!");
  EXPECT_THAT(seen(fake), StartsWith("Hi<think>"));
  EXPECT_TRUE(refused(generate(server, {{"raw", true}, {"system", "Be kind."}}), 400, "system"));
}

TEST(OllamaGenerate, TellsThinkingApart) {
  FakeServer server({model("<think>Well…</think>Hello!")});
  const Json json = generate(server, {{"think", true}, {"stream", false}}).json();
  EXPECT_EQ(json["thinking"], "Well…");
  EXPECT_EQ(json["response"], "Hello!");
}

TEST(OllamaGenerate, WhatIsNotSupportedIsRefusedUnlessEmpty) {
  FakeServer server({model("Hello!")});
  const Json empty = {
      {"suffix", ""}, {"template", ""}, {"context", Json::array()}, {"images", Json::array()}};
  EXPECT_EQ(generate(server, empty).lines().back()["done"], true);
  const Json used = {
      {"suffix", "}"}, {"template", "{{ .Prompt }}"}, {"context", {1, 2}}, {"images", {"aGk="}}};
  for (const auto& [name, value] : used.items())
    EXPECT_TRUE(refused(generate(server, {{name, value}}), 501, name));
}

// POST /api/embed and /api/embeddings

TEST(OllamaEmbed, EmbedsOneTextOrSeveral) {
  FakeServer server({model("")});
  const Json one = embed(server, {{"input", "abc"}}).json();
  EXPECT_EQ(one["model"], "tiny");
  ASSERT_EQ(one["embeddings"].size(), 1u);
  EXPECT_FLOAT_EQ(one["embeddings"][0][0].get<float>(), 0.6f);  // of length 1
  EXPECT_FLOAT_EQ(one["embeddings"][0][1].get<float>(), 0.8f);
  EXPECT_EQ(one["prompt_eval_count"], 3);
  EXPECT_EQ(one["load_duration"], 250'000'000);
  EXPECT_GT(one["total_duration"], 0);
  const Json two =
      embed(server, {{"input", {"abc", "de"}}, {"keep_alive", "5m"}, {"options", Json::object()}}).json();
  EXPECT_EQ(two["embeddings"].size(), 2u);
  EXPECT_EQ(two["prompt_eval_count"], 5);
}

TEST(OllamaEmbed, CutsWhatIsTooLongUnlessToldNotTo) {
  FakeServer server({model("")});
  const std::string text(600, 'x');
  EXPECT_EQ(embed(server, {{"input", text}}).json()["prompt_eval_count"], 512);
  EXPECT_TRUE(refused(embed(server, {{"input", text}, {"truncate", false}}), 400, "600 tokens"));
}

TEST(OllamaEmbed, NothingOnlyLoadsTheModel) {
  FakeServer server({model("")});
  for (const Json& input : {Json(), Json(""), Json::array()})
    EXPECT_EQ(embed(server, {{"input", input}}).json()["embeddings"], Json::array());
  EXPECT_TRUE(server.models().state(0).loaded);
  EXPECT_TRUE(refused(embed(server, {{"input", {"a", ""}}}), 400, "input 1"));
}

TEST(OllamaEmbed, HasAllDimensionsAlways) {
  FakeServer server({model("")});
  EXPECT_TRUE(refused(embed(server, {{"input", "a"}, {"dimensions", 1}}), 501, "dimensions"));
}

TEST(OllamaEmbeddings, IsTheOlderForm) {
  FakeServer server({model("")});
  const auto embeddings = [&](const char* prompt) {
    return ask(server, ollama_embeddings, {{"model", "tiny"}, {"prompt", prompt}}, kOllama).json();
  };
  EXPECT_FLOAT_EQ(embeddings("abc")["embedding"][1].get<float>(), 0.8f);
  EXPECT_EQ(embeddings(""), Json({{"embedding", Json::array()}}));
}

// What is known of the server and its models.

TEST(OllamaModels, VersionIsOneThatClientsKnow) {
  FakeServer server;
  EXPECT_THAT(ask(server, ollama_version).json()["version"].get<std::string>(), StartsWith("0."));
}

TEST(OllamaModels, TagsListsAll) {
  FakeModel other;
  other.name = "other:4b";
  FakeServer server({FakeModel(), other});
  const Json models = ask(server, ollama_tags).json()["models"];
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0]["name"], "tiny:latest");
  EXPECT_EQ(models[0]["model"], "tiny:latest");
  EXPECT_EQ(models[1]["name"], "other:4b");
  EXPECT_GT(models[0]["size"], 0);
  EXPECT_THAT(models[0]["digest"].get<std::string>(), MatchesRegex("[0-9a-f]{64}"));
  EXPECT_THAT(models[0]["modified_at"].get<std::string>(), EndsWith("Z"));
  EXPECT_EQ(models[0]["details"]["format"], "gguf");
  EXPECT_EQ(models[0]["details"]["family"], "fake");
  EXPECT_EQ(models[0]["details"]["families"], Json::array({"fake"}));
  EXPECT_EQ(models[0]["details"]["quantization_level"], "F32");
}

TEST(OllamaModels, PsListsThoseInMemory) {
  FakeServer server({model("Hello!")});
  EXPECT_EQ(ask(server, ollama_ps).json(), Json({{"models", Json::array()}}));
  chat(server, {{"keep_alive", "10m"}});
  const Json models = ask(server, ollama_ps).json()["models"];
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0]["name"], "tiny:latest");
  EXPECT_EQ(models[0]["size_vram"], 0);
  EXPECT_EQ(models[0]["context_length"], 512);
  const auto expires = models[0]["expires_at"].get<std::string>();
  EXPECT_GT(expires, rfc3339_now());
  EXPECT_LT(expires, rfc3339_in(seconds(660)));
  chat(server, {{"keep_alive", "-1s"}});
  EXPECT_GT(ask(server, ollama_ps).json()["models"][0]["expires_at"], rfc3339_in(std::chrono::years(50)));
}

TEST(OllamaModels, ShowTellsAllThatIsKnown) {
  FakeServer server({model("Hello!")});
  for (const char* member : {"model", "name"}) {
    const Json shown = ask(server, ollama_show, {{member, "tiny"}}, kOllama).json();
    EXPECT_EQ(shown["template"], kTemplate);
    EXPECT_EQ(shown["parameters"], "");
    EXPECT_EQ(shown["details"]["parameter_size"], "0.0K");
    EXPECT_EQ(shown["capabilities"], Json({"completion", "tools", "thinking"}));
    const Json& info = shown["model_info"];
    EXPECT_EQ(info["general.architecture"], "fake");
    EXPECT_EQ(info["general.parameter_count"], 6);
    EXPECT_EQ(info["fake.context_length"], 4096);
    EXPECT_EQ(info["fake.rope.freq_base"], 10000.0);
    EXPECT_TRUE(info.contains("tokenizer.ggml.tokens") && info["tokenizer.ggml.tokens"].is_null());
  }
}

TEST(OllamaModels, ShowKnowsWhatAModelCannotDo) {
  FakeServer server({model("Hello!", "")});
  EXPECT_EQ(ask(server, ollama_show, {{"model", "tiny"}}, kOllama).json()["capabilities"],
            Json::array({"completion"}));
  EXPECT_TRUE(refused(ask(server, ollama_show, {{"model", "other"}}, kOllama), 404, "\"other\""));
  EXPECT_TRUE(
      refused(ask(server, ollama_show, {{"model", "tiny"}, {"verbose", true}}, kOllama), 501, "verbose"));
}

// Times.

TEST(OllamaTime, DurationsAreGos) {
  using std::chrono::milliseconds;
  const auto parse = [](const Json& value) { return parse_keep_alive(value).value(); };
  EXPECT_EQ(parse(300), seconds(300));
  EXPECT_EQ(parse(0.5), milliseconds(500));
  EXPECT_EQ(parse("5m"), seconds(300));
  EXPECT_EQ(parse("1h30m"), seconds(5400));
  EXPECT_EQ(parse("1.5s250ms"), milliseconds(1750));
  EXPECT_EQ(parse("500000µs"), milliseconds(500));
  EXPECT_EQ(parse("24h0m0s"), seconds(86400));
  EXPECT_EQ(parse("0"), seconds(0));
  for (const Json& forever : {Json(-1), Json("-1"), Json("-1m"), Json(1e300), Json("99999999999h")})
    EXPECT_EQ(parse(forever), std::nullopt) << forever;
  for (const Json& wrong : {Json(""), Json("-"), Json("m"), Json("5 m"), Json("5m3"), Json("5m-3s"),
                            Json("inf"), Json("nan"), Json("1e3s"), Json("5y"), Json(true), Json::array()})
    EXPECT_FALSE(parse_keep_alive(wrong)) << wrong;
}

TEST(OllamaTime, TimesAreInUtc) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(951827696, 5), "2000-02-29T12:34:56.000000005Z");
  EXPECT_EQ(rfc3339(INT64_MIN), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(INT64_MAX), "9999-12-31T23:59:59.000000000Z");
}

}  // namespace
}  // namespace halcyon::serve
