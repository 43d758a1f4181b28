#include "engine/engine.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "tests/engine/fake_model.h"
#include "tests/support/support.h"

namespace halcyon::engine {
namespace {

using test::Answer;
using test::bytes;
using test::collect;
using test::fake_engine;
using test::request;
using test::say;
using test::Script;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Submits and waits for the whole answer.
Answer ask(Engine& engine, Request r) {
  const Result<std::shared_ptr<Generation>> generation = engine.submit(std::move(r));
  EXPECT_TRUE(generation.has_value()) << generation.error().message;
  return generation ? collect(**generation) : Answer();
}

std::shared_ptr<Script> script_that(std::function<Token(std::span<const Token>)> next) {
  auto script = std::make_shared<Script>();
  script->next = std::move(next);
  return script;
}

std::shared_ptr<Script> always(char c) {
  return script_that([c](std::span<const Token>) { return c; });
}

// Streams.

TEST(Engine, StreamsTheTokensOfAnAnswerAndItsEnd) {
  const auto script = script_that(say("2+2=", "4!"));
  const auto engine = fake_engine(script);
  const Answer answer = ask(*engine, request("2+2="));
  EXPECT_THAT(answer.pieces, ElementsAre("4", "!", ""));
  EXPECT_EQ(answer.tokens, bytes("4!"));
  EXPECT_EQ(answer.finish.reason, FinishReason::stop);
  EXPECT_FALSE(answer.finish.error);
  EXPECT_EQ(answer.finish.stop_string, "");
  EXPECT_EQ(answer.finish.timings.prompt_n, 4);
  EXPECT_EQ(answer.finish.timings.cache_n, 0);
  EXPECT_EQ(answer.finish.timings.predicted_n, 3);  // with the end token
}

TEST(Engine, NothingComesAfterTheLastEvent) {
  const auto engine = fake_engine(always('x'));
  const auto generation = *engine->submit(request("p", 1));
  EXPECT_EQ(generation->next()->text, "x");
  EXPECT_TRUE(generation->next()->finish);
  EXPECT_FALSE(generation->next());
  EXPECT_FALSE(generation->next());
}

TEST(Engine, TakesTimesFromTheClocks) {
  const auto script = script_that([](std::span<const Token> past) {
    std::this_thread::sleep_for(std::chrono::milliseconds(past.size() == 1 ? 20 : 10));
    return 'x';
  });
  const auto engine = fake_engine(script);
  const Timings t = ask(*engine, request("p", 3)).finish.timings;
  EXPECT_GE(t.prompt_ms, 20);
  EXPECT_GE(t.predicted_ms, 20);  // two evaluations for three tokens
  EXPECT_LT(t.prompt_cpu_ms, 20);
  EXPECT_LT(t.predicted_cpu_ms, 20);
}

TEST(Engine, NeverSendsHalfACharacter) {
  const auto engine = fake_engine(script_that(say("p", "a\u20acb")));
  EXPECT_THAT(ask(*engine, request("p")).pieces, ElementsAre("a", "", "", "\u20ac", "b", ""));
}

TEST(Engine, AnUnfinishedCharacterAtTheEndIsReplaced) {
  const auto engine = fake_engine(script_that(say("p", "a\xe2\x82")));
  EXPECT_EQ(ask(*engine, request("p")).text, "a\ufffd");
}

// Where an answer ends.

TEST(Engine, StopsAfterMaxTokens) {
  const auto engine = fake_engine(always('x'));
  const Answer answer = ask(*engine, request("p", 5));
  EXPECT_EQ(answer.text, "xxxxx");
  EXPECT_EQ(answer.finish.reason, FinishReason::length);
}

TEST(Engine, WithZeroTokensOnlyEvaluatesThePrompt) {
  const auto script = always('x');
  const auto engine = fake_engine(script);
  const Answer answer = ask(*engine, request("prompt", 0));
  EXPECT_THAT(answer.tokens, IsEmpty());
  EXPECT_EQ(answer.finish.reason, FinishReason::length);
  EXPECT_EQ(answer.finish.timings.prompt_n, 6);
  EXPECT_THAT(script->steps, ElementsAre(6u));
}

TEST(Engine, StopsWhereTheContextIsFull) {
  const auto engine = fake_engine(always('x'), {.n_ctx = 8});
  const Answer answer = ask(*engine, request("12345"));
  EXPECT_EQ(answer.text, "xxxx");  // three are evaluated after the prompt, and the last need not be
  EXPECT_EQ(answer.finish.reason, FinishReason::length);
  EXPECT_EQ(ask(*engine, request("12345678")).text, "x");
}

TEST(Engine, StopStringsEndTheAnswerAcrossTokens) {
  const auto engine = fake_engine(script_that(say("p", "one.\n\nUser: two")));
  Request r = request("p");
  r.stop = {"two", "\n\nUser:"};
  const Answer answer = ask(*engine, std::move(r));
  EXPECT_EQ(answer.text, "one.");
  EXPECT_EQ(answer.finish.reason, FinishReason::stop);
  EXPECT_EQ(answer.finish.stop_string, "\n\nUser:");
}

TEST(Engine, WhatOnlyLookedLikeAStopStringIsSentAfterAll) {
  const auto engine = fake_engine(script_that(say("p", "a--b-")));
  Request r = request("p");
  r.stop = {"---"};
  const Answer answer = ask(*engine, std::move(r));
  EXPECT_THAT(answer.pieces, ElementsAre("a", "", "", "--b", "", "-"));
  EXPECT_EQ(answer.finish.stop_string, "");
}

// Requests that can't be done.

TEST(Engine, RefusesWhatItCantDoAndSaysWhy) {
  const auto engine = fake_engine(always('x'), {.n_ctx = 8});
  EXPECT_ERROR(engine->submit(request("123456789")),
               "the prompt has 9 tokens, more than the context of 8: shorten it, or load the model with a "
               "larger context");
  EXPECT_ERROR(engine->submit(request("")), HasSubstr("the prompt is empty"));
  Request r = request("p");
  r.prompt = {1, test::kVocab};
  EXPECT_ERROR(engine->submit(r), "the prompt contains token 259; the vocabulary has 0 to 258");
  r.prompt = {-1};
  EXPECT_ERROR(engine->submit(r), HasSubstr("token -1"));
  r = request("p", -2);
  EXPECT_ERROR(engine->submit(r), HasSubstr("max_tokens is -2"));
  r = request("p");
  r.stop = {"a", ""};
  EXPECT_ERROR(engine->submit(r), HasSubstr("a stop string is empty"));
  r = request("p");
  r.sampling.top_p = 2;
  EXPECT_ERROR(engine->submit(r), HasSubstr("top_p is 2"));
}

// Sampling parameters arrive.

TEST(Engine, SamplesAsTheRequestSays) {
  const auto engine = fake_engine(always('x'));
  Request r = request("p", 2);
  r.sampling.logit_bias = {{'y', 20.0f}};
  EXPECT_EQ(ask(*engine, r).text, "yy");
  r.sampling.temperature = 100;
  r.sampling.top_k = 0;
  r.sampling.seed = 5;
  r.max_tokens = 30;
  EXPECT_EQ(ask(*engine, r).tokens, ask(*engine, r).tokens);
}

TEST(Engine, PenaltiesSeeThePrompt) {
  const auto engine = fake_engine(always('x'));
  Request r = request("x", 1);
  r.sampling.presence_penalty = 11;
  EXPECT_NE(ask(*engine, r).text, "x");
}

TEST(Engine, DryStopsAtBreakersFoundInTheVocabulary) {
  const auto engine = fake_engine(always('c'));
  Request r = request("abc ab", 1);
  r.sampling.dry_multiplier = 20;
  EXPECT_NE(ask(*engine, r).text, "c");
  r.sampling.dry_sequence_breakers = {"b"};
  EXPECT_EQ(ask(*engine, r).text, "c");
}

// Steps and reuse.

TEST(Engine, EvaluatesThePromptInChunks) {
  const auto script = script_that(say("0123456789", "ab"));
  const auto engine = fake_engine(script, {.n_batch = 4});
  ask(*engine, request("0123456789"));
  EXPECT_THAT(script->steps, ElementsAre(4u, 4u, 2u, 1u, 1u));
}

TEST(Engine, ReusesWhatTheNextPromptHasInCommon) {
  const auto script = script_that(say("hello", "AB"));
  const auto engine = fake_engine(script);
  ask(*engine, request("hello"));
  script->steps.clear();
  script->next = say("helloAB more", "C");
  const Answer answer = ask(*engine, request("helloAB more"));
  EXPECT_EQ(answer.text, "C");
  EXPECT_EQ(answer.finish.timings.cache_n, 7);
  EXPECT_EQ(answer.finish.timings.prompt_n, 5);
  EXPECT_THAT(script->steps, ElementsAre(5u, 1u));
  script->next = say("help", "!");
  EXPECT_EQ(ask(*engine, request("help")).finish.timings.cache_n, 3);
  EXPECT_EQ(script->past, bytes("help!"));
}

TEST(Engine, EvaluatesAtLeastTheLastTokenOfAPrompt) {
  const auto engine = fake_engine(script_that(say("same", "x")));
  ask(*engine, request("same"));
  const Answer again = ask(*engine, request("same"));
  EXPECT_EQ(again.text, "x");
  EXPECT_EQ(again.finish.timings.cache_n, 3);
  EXPECT_EQ(again.finish.timings.prompt_n, 1);
}

TEST(Engine, GoesBackOnlyAsFarAsTheMemoryCan) {
  const auto script = script_that(say("hello", "AB"));
  script->recurrent = true;  // after the prompt the state is kept, and nowhere else
  const auto engine = fake_engine(script);
  ask(*engine, request("hello"));
  script->next = say("helloA?", "C");
  EXPECT_EQ(ask(*engine, request("helloA?")).finish.timings.cache_n, 5);
  EXPECT_EQ(script->past, bytes("helloA?C"));
  script->next = say("hel", "D");
  EXPECT_EQ(ask(*engine, request("hel")).finish.timings.cache_n, 0);
}

// Cancelling.

TEST(Cancel, EndsAnAnswerThatIsRunning) {
  const auto script = always('x');
  const auto engine = fake_engine(script, {.n_ctx = 1 << 20});
  const auto generation = *engine->submit(request("p"));
  EXPECT_EQ(generation->next()->text, "x");
  generation->cancel();
  EXPECT_EQ(collect(*generation).finish.reason, FinishReason::cancelled);
  EXPECT_EQ(ask(*engine, request("q", 2)).text, "xx");
}

TEST(Cancel, TakesEffectBetweenTheChunksOfAPrompt) {
  const auto script = always('x');
  script->hold();
  const auto engine = fake_engine(script, {.n_batch = 4});
  const auto generation = *engine->submit(request("0123456789"));
  script->await_step();
  generation->cancel();
  script->release();
  const Answer answer = collect(*generation);
  EXPECT_EQ(answer.finish.reason, FinishReason::cancelled);
  EXPECT_EQ(answer.finish.timings.prompt_n, 4);
  EXPECT_EQ(answer.finish.timings.predicted_n, 0);
  EXPECT_THAT(script->steps, ElementsAre(4u));
}

TEST(Cancel, EndsARequestThatIsWaitingWhileAnotherRuns) {
  const auto script = always('x');
  const auto engine = fake_engine(script, {.n_ctx = 1 << 20});
  const auto running = *engine->submit(request("p"));
  const auto waiting = *engine->submit(request("q"));
  waiting->cancel();
  EXPECT_EQ(collect(*waiting).finish.reason, FinishReason::cancelled);
  EXPECT_EQ(running->next()->text, "x");
}

TEST(Cancel, HappensWhenTheGenerationIsDropped) {
  const auto engine = fake_engine(always('x'), {.n_ctx = 1 << 20});
  (void)engine->submit(request("p"));
  EXPECT_EQ(ask(*engine, request("q", 1)).text, "x");  // would wait a million tokens
}

TEST(Cancel, EverythingEndsWithTheEngine) {
  auto engine = fake_engine(always('x'), {.n_ctx = 1 << 20});
  std::vector<std::shared_ptr<Generation>> generations;
  for (int i = 0; i < 3; ++i) generations.push_back(*engine->submit(request("p")));
  EXPECT_EQ(generations[0]->next()->text, "x");
  engine.reset();
  for (const auto& generation : generations)
    EXPECT_EQ(collect(*generation).finish.reason, FinishReason::cancelled);
}

// Failures.

TEST(Failure, OfTheBackendEndsTheAnswerAndNotTheEngine) {
  const auto script = script_that(say("hello", "ABCD"));
  const auto engine = fake_engine(script);
  script->fail_at = 2;
  const Answer broken = ask(*engine, request("hello"));
  EXPECT_EQ(broken.text, "AB");
  EXPECT_EQ(broken.finish.reason, FinishReason::error);
  EXPECT_EQ(broken.finish.error->message, "the device is gone");
  const Answer whole = ask(*engine, request("hello"));
  EXPECT_EQ(whole.text, "ABCD");
  EXPECT_EQ(whole.finish.timings.cache_n, 4);  // the failed step changed nothing
}

TEST(Failure, OfTheNumbersIsAnErrorThatSaysWhere) {
  const auto script = always('x');
  const auto engine = fake_engine(script);
  script->nan_at = 1;
  const Answer answer = ask(*engine, request("hello"));
  EXPECT_EQ(answer.finish.error->message, "no token can be chosen after 6: every logit is NaN or -inf");
}

// Threads.

TEST(Threads, RequestsAreAnsweredInOrder) {
  const auto script = script_that(say("p", "ab"));
  script->hold();
  const auto engine = fake_engine(script);
  std::vector<std::shared_ptr<Generation>> generations;
  for (const char* prompt : {"1", "2", "3"}) generations.push_back(*engine->submit(request(prompt)));
  script->release();
  for (size_t i = generations.size(); i-- > 0;) EXPECT_EQ(collect(*generations[i]).text, "ab");
  EXPECT_EQ(script->past, bytes("3ab"));
}

TEST(Threads, ManyMaySubmitAndCancelAtOnce) {
  const auto engine = fake_engine(script_that(say("p", "answer")));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto generation = *engine->submit(request("p"));
        if ((t + i) % 3 == 0) generation->cancel();
        const Answer answer = collect(*generation);
        EXPECT_TRUE(answer.finish.reason == FinishReason::cancelled || answer.text == "answer");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

/// utime + stime in ticks, and context switches, of the engine's thread.
std::string activity_of_engine_thread() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (test::read_file(task.path() / "comm") != "engine\n") continue;
    const std::string status = test::read_file(task.path() / "status");
    return test::read_file(task.path() / "schedstat") + status.substr(status.find("voluntary_ctxt_switches"));
  }
  return "no engine thread";
}

TEST(Threads, AnIdleEngineDoesNothingAtAll) {
  const auto engine = fake_engine(always('x'));
  ask(*engine, request("p", 3));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const std::string before = activity_of_engine_thread();
  EXPECT_THAT(before, HasSubstr("nonvoluntary_ctxt_switches"));
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_EQ(activity_of_engine_thread(), before);
}

}  // namespace
}  // namespace halcyon::engine
