// Paths, keys and origins: what is decided before a dialect sees a request.
#include "serve/api.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "energy/ledger.h"
#include "energy/meter.h"
#include "tests/serve/fake_server.h"
#include "tests/support/support.h"

namespace halcyon::serve {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

struct Asked {
  HttpHead head;
  std::string body;
};

Asked ask(Api& api, std::string method, std::string path,
          std::vector<std::pair<std::string, std::string>> headers = {}, std::string body = "") {
  HttpRequest request{.method = std::move(method),
                      .path = std::move(path),
                      .query = "",
                      .headers = std::move(headers),
                      .body = "",
                      .peer = "127.0.0.1"};
  std::unique_ptr<Exchange> exchange = api.refuse(request);
  if (!exchange) {
    request.body = std::move(body);
    exchange = api.handle(std::move(request), [] {});
  }
  Exchange::Output output = exchange->poll();
  EXPECT_TRUE(output.done);  // nothing here waits for a model
  return {exchange->head(), std::move(output.body)};
}

TEST(Api, AnswersHealthAndItsFrontDoor) {
  test::FakeServer server;
  Api api(server.models(), {});
  EXPECT_EQ(ask(api, "GET", "/health").body, R"({"status":"ok"})");
  EXPECT_EQ(ask(api, "GET", "/").body, "Ollama is running");
  EXPECT_EQ(ask(api, "HEAD", "/").head.status, 200);
  EXPECT_EQ(server.loads(), 0);
}

TEST(Api, UnknownPathsAreNamedInTheDialectOfTheirKind) {
  test::FakeServer server;
  Api api(server.models(), {});
  const Asked openai = ask(api, "GET", "/v2/models");
  EXPECT_EQ(openai.head.status, 404);
  EXPECT_EQ(Json::parse(openai.body)["error"]["type"], "not_found_error");
  EXPECT_THAT(Json::parse(openai.body)["error"]["message"].get<std::string>(), HasSubstr("/v2/models"));
  EXPECT_TRUE(Json::parse(ask(api, "GET", "/api/nothing").body)["error"].is_string());
}

TEST(Api, TheWrongMethodIsToldTheRightOne) {
  test::FakeServer server;
  Api api(server.models(), {});
  const Asked asked = ask(api, "GET", "/v1/chat/completions");
  EXPECT_EQ(asked.head.status, 405);
  EXPECT_THAT(asked.body, HasSubstr("takes POST"));
}

TEST(Api, WhatOthersDoAndWeDoNotIsRefusedByName) {
  test::FakeServer server;
  Api api(server.models(), {});
  for (const char* path : {"/api/pull", "/infill", "/v1/responses", "/v1/images/generations"}) {
    const Asked asked = ask(api, "POST", path);
    EXPECT_EQ(asked.head.status, 501) << path;
    EXPECT_THAT(asked.body, HasSubstr("is not supported"));
  }
}

TEST(Api, BrokenJsonIsABadRequest) {
  test::FakeServer server;
  Api api(server.models(), {});
  for (const std::string body : {"", "{", "[1,2", "\"text\"", "{\"prompt\": \"\xff\"}", "nul"}) {
    EXPECT_EQ(ask(api, "POST", "/completion", {}, body).head.status, 400) << body;
  }
  const std::string deep = std::string(10'000, '[') + std::string(10'000, ']');
  EXPECT_THAT(ask(api, "POST", "/completion", {}, deep).body, HasSubstr("nested deeper"));
}

TEST(Keys, AreAskedForWhereTheyMatter) {
  test::FakeServer server;
  ApiOptions options;
  options.keys.emplace(std::vector<std::string>{"sesame"});
  Api api(server.models(), std::move(options));
  EXPECT_EQ(ask(api, "GET", "/slots").head.status, 401);
  EXPECT_THAT(ask(api, "GET", "/slots").head.headers, Contains(Pair("WWW-Authenticate", "Bearer")));
  EXPECT_EQ(ask(api, "GET", "/slots", {{"Authorization", "Bearer sesam"}}).head.status, 401);
  EXPECT_EQ(ask(api, "GET", "/slots", {{"Authorization", "Basic sesame"}}).head.status, 401);
  EXPECT_EQ(ask(api, "GET", "/slots", {{"Authorization", "Bearer sesame"}}).head.status, 200);
  EXPECT_EQ(ask(api, "GET", "/slots", {{"authorization", "bearer sesame"}}).head.status, 200);
  EXPECT_EQ(ask(api, "GET", "/slots", {{"x-api-key", "sesame"}}).head.status, 200);
  for (const char* open : {"/health", "/v1/models", "/"}) EXPECT_EQ(ask(api, "GET", open).head.status, 200);
}

TEST(Cors, IsOffUnlessOriginsAreNamed) {
  test::FakeServer server;
  Api closed(server.models(), {});
  const std::vector<std::pair<std::string, std::string>> from = {{"Origin", "http://page"}};
  EXPECT_THAT(ask(closed, "GET", "/health", from).head.headers,
              Not(Contains(Pair("Access-Control-Allow-Origin", testing::_))));
  EXPECT_EQ(ask(closed, "OPTIONS", "/health", from).head.status, 405);

  ApiOptions options;
  options.cors = {"http://page"};
  Api open(server.models(), std::move(options));
  EXPECT_THAT(ask(open, "GET", "/health", from).head.headers,
              Contains(Pair("Access-Control-Allow-Origin", "http://page")));
  EXPECT_THAT(ask(open, "GET", "/health", {{"Origin", "http://other"}}).head.headers,
              Not(Contains(Pair("Access-Control-Allow-Origin", testing::_))));
  EXPECT_EQ(ask(open, "OPTIONS", "/v1/chat/completions", from).head.status, 204);
}

TEST(Metrics, AreThereOnlyIfAskedForAndLoadNothing) {
  test::FakeServer server;
  Api closed(server.models(), {});
  EXPECT_EQ(ask(closed, "GET", "/metrics").head.status, 501);
  ApiOptions options;
  options.metrics = true;
  Api open(server.models(), std::move(options));
  open.count_connections([] { return 3; });
  ask(open, "GET", "/nothing");
  const Asked asked = ask(open, "GET", "/metrics");
  EXPECT_THAT(asked.body, HasSubstr("# TYPE halcyon_predicted_tokens_total counter\n"
                                    "halcyon_predicted_tokens_total{model=\"tiny\"} 0\n"));
  EXPECT_THAT(asked.body, HasSubstr("halcyon_http_answers_total{status=\"4xx\"} 1\n"));
  EXPECT_THAT(asked.body, HasSubstr("halcyon_http_connections 3\n"));
  EXPECT_EQ(server.loads(), 0);
}

/// A meter that nothing measures but the time of this process.
std::shared_ptr<energy::Ledger> estimating_ledger() {
  halcyon::test::TemporaryDir nothing;
  energy::SensorOptions options;
  options.root = SystemRoot(nothing.path());
  options.nvml_library.clear();
  return std::make_shared<energy::Ledger>(energy::Meter::open(options));
}

TEST(Metrics, HaveTheEnergyByDomainAndPhase) {
  test::FakeServer server;
  ApiOptions options;
  options.metrics = true;
  options.ledger = estimating_ledger();
  energy::Ledger::Step step;
  options.ledger->begin(step);
  for (std::atomic<int> work = 0; work < 10'000'000;) ++work;
  options.ledger->end(step, energy::Work{.prefill_tokens = 1, .decode_tokens = 3});
  Api api(server.models(), std::move(options));
  const std::string text = ask(api, "GET", "/metrics").body;
  EXPECT_THAT(text, HasSubstr("# TYPE halcyon_energy_joules_total counter\n"));
  EXPECT_THAT(
      text,
      ContainsRegex(
          "halcyon_energy_joules_total\\{domain=\"[a-z-]+\",phase=\"decode\",estimated=\"true\"\\} 0\\."));
  EXPECT_THAT(text, ContainsRegex("halcyon_energy_seconds_total\\{phase=\"idle\"\\} "));
  EXPECT_THAT(text, HasSubstr("halcyon_idle_watts 0\n"));
}

TEST(Cost, IsAPageThatFetchesItsFigures) {
  test::FakeServer server;
  ApiOptions options;
  options.keys.emplace(std::vector<std::string>{"sesame"});
  options.ledger = estimating_ledger();
  Api api(server.models(), std::move(options));
  const Asked page = ask(api, "GET", "/cost");  // a browser sends no key with it
  EXPECT_EQ(page.head.status, 200);
  EXPECT_EQ(page.head.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body, AllOf(StartsWith("<!doctype html>"), EndsWith("</html>\n"), HasSubstr("cost.json")));
  EXPECT_EQ(ask(api, "GET", "/cost.json").head.status, 401);

  const Asked figures = ask(api, "GET", "/cost.json", {{"Authorization", "Bearer sesame"}});
  ASSERT_EQ(figures.head.status, 200);
  const Json json = Json::parse(figures.body);
  EXPECT_EQ(json["measured"], false);
  EXPECT_THAT(json["source"], HasSubstr("4 W per active core"));
  for (const char* phase : {"prefill", "decode", "load", "idle"})
    for (const char* figure : {"joules", "joules_above_idle", "seconds", "tokens"})
      EXPECT_TRUE(json["phases"][phase][figure].is_number()) << phase << " " << figure;
}

TEST(Cost, IsRefusedWhereNothingIsKnown) {
  test::FakeServer server;
  Api api(server.models(), {});
  EXPECT_EQ(ask(api, "GET", "/cost.json").head.status, 501);
}

/// Waits for the whole answer.
std::string ask_and_wait(Api& api, std::string path, std::string body) {
  struct Bell {
    std::mutex mutex;
    std::condition_variable changed;
    bool rung = true;
  };
  const auto bell = std::make_shared<Bell>();  // wakes may come late
  HttpRequest request{.method = "POST",
                      .path = std::move(path),
                      .query = "",
                      .headers = {},
                      .body = std::move(body),
                      .peer = "127.0.0.1"};
  const std::unique_ptr<Exchange> exchange = api.handle(std::move(request), [bell] {
    const std::lock_guard lock(bell->mutex);
    bell->rung = true;
    bell->changed.notify_one();
  });
  std::string text;
  for (bool done = false; !done;) {
    std::unique_lock lock(bell->mutex);
    bell->changed.wait(lock, [&] { return bell->rung; });
    bell->rung = false;
    lock.unlock();
    Exchange::Output output = exchange->poll();
    text += output.body;
    done = output.done;
  }
  return text;
}

TEST(LargeBodies, AreAnsweredLikeOthersByAThreadOfTheirOwn) {
  test::FakeServer server;
  Api api(server.models(), {});
  const std::string spaces(100'000, ' ');
  EXPECT_EQ(Json::parse(ask_and_wait(api, "/completion", R"({"prompt": "Hi"})" + spaces))["content"],
            "Hello!");
  EXPECT_THAT(ask_and_wait(api, "/completion", R"({"prompt": "Hi", "stream": true})" + spaces),
              HasSubstr("\"stop\":true"));
  const Json error = Json::parse(ask_and_wait(api, "/completion", R"({"prompt": ")" + spaces + "\"}"));
  EXPECT_EQ(error["error"]["n_prompt_tokens"], 100'000);
  EXPECT_EQ(Json::parse(ask_and_wait(api, "/completion", spaces))["error"]["code"], 400);
}

TEST(LargeBodies, AreForgottenWhenTheClientLeaves) {
  test::FakeServer server;
  Api api(server.models(), {});
  for (int i = 0; i < 20; ++i) {
    HttpRequest request{.method = "POST",
                        .path = "/completion",
                        .query = "",
                        .headers = {},
                        .body = R"({"prompt": "Hi", "ignore_eos": true})" + std::string(100'000, ' '),
                        .peer = "127.0.0.1"};
    api.handle(std::move(request), [] {})->poll();
  }
  EXPECT_EQ(Json::parse(ask_and_wait(api, "/completion", R"({"prompt": "Hi"})"))["content"], "Hello!");
}

}  // namespace
}  // namespace halcyon::serve
