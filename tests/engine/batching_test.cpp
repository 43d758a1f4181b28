// Several requests at once: how they share steps, memory and the engine's attention.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "engine/engine.h"
#include "tests/engine/fake_model.h"
#include "tests/support/support.h"

namespace halcyon::engine {
namespace {

using test::Answer;
using test::bytes;
using test::collect;
using test::fake_engine;
using test::request;
using test::Script;
using testing::Each;
using testing::ElementsAre;
using testing::Le;

/// A model that says the first byte of its prompt in capitals, again and again.
std::shared_ptr<Script> echo() {
  auto script = std::make_shared<Script>();
  script->next = [](std::span<const Token> past) { return past.front() - 'a' + 'A'; };
  return script;
}

std::shared_ptr<Generation> submit(Engine& engine, Request r) {
  Result<std::shared_ptr<Generation>> generation = engine.submit(std::move(r));
  if (!generation) throw std::runtime_error(generation.error().message);
  return *generation;
}

size_t total(const std::vector<size_t>& steps) {
  return std::accumulate(steps.begin(), steps.end(), size_t{0});
}

/// Submits all of them before the engine makes its first step with them, and waits for the answers.
std::vector<Answer> ask_together(Engine& engine, Script& script, std::vector<Request> requests) {
  script.hold();
  const auto first = submit(engine, request("z", 0));
  script.await_step();
  std::vector<std::shared_ptr<Generation>> generations;
  for (Request& r : requests) generations.push_back(submit(engine, std::move(r)));
  script.release();
  collect(*first);
  std::vector<Answer> answers;
  for (const auto& generation : generations) answers.push_back(collect(*generation));
  return answers;
}

// Steps.

TEST(Batching, OneStepServesAllThatGenerate) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_parallel = 4});
  const auto answers = ask_together(*engine, *script, {request("a", 4), request("b", 4), request("c", 4)});
  EXPECT_EQ(answers[0].text, "AAAA");
  EXPECT_EQ(answers[1].text, "BBBB");
  EXPECT_EQ(answers[2].text, "CCCC");
  EXPECT_THAT(script->widths, ElementsAre(1u, 3u, 3u, 3u, 3u));
}

TEST(Batching, NoMoreAreInWorkThanThereAreSlots) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_parallel = 2});
  ask_together(*engine, *script, {request("a", 3), request("b", 3), request("c", 3), request("d", 3)});
  EXPECT_THAT(script->widths, Each(Le(2u)));
}

TEST(Batching, AShortPromptNeedNotWaitForALongOne) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_batch = 8, .n_parallel = 3});
  ask_together(*engine, *script, {request(std::string(20, 'l'), 1), request("sss", 1)});
  // 3 of the short one and 5 of the long one, then what is left.
  EXPECT_THAT(script->steps, ElementsAre(1u, 8u, 8u, 7u));
}

TEST(Batching, GenerationGoesOnWhileAPromptIsEvaluated) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_batch = 8, .n_parallel = 3});
  const auto answers = ask_together(*engine, *script, {request("g", 4), request(std::string(21, 'l'), 1)});
  EXPECT_EQ(answers[0].text, "GGGG");
  EXPECT_THAT(script->steps, ElementsAre(1u, 8u, 8u, 8u, 1u));
}

// Beginnings in common.

TEST(Prefix, AFinishedPromptIsNotEvaluatedAgain) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_parallel = 2});
  collect(*submit(*engine, request("abcdefgh1", 1)));
  collect(*submit(*engine, request("xyz", 1)));
  const Answer again = collect(*submit(*engine, request("abcdefgh2", 1)));
  EXPECT_EQ(again.finish.timings.cache_n, 8);
  EXPECT_EQ(again.finish.timings.prompt_n, 1);
}

TEST(Prefix, ItStaysForOthersWhenOneGoesOnFromIt) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_parallel = 1});
  collect(*submit(*engine, request("system1", 1)));
  collect(*submit(*engine, request("system2", 1)));
  EXPECT_EQ(collect(*submit(*engine, request("system1S", 1))).finish.timings.cache_n, 7);
}

TEST(Prefix, ARequestInWorkSharesItsPrompt) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_ctx = 256, .n_parallel = 2});
  const auto running = submit(*engine, request("abcdefgh"));
  running->next();
  EXPECT_EQ(collect(*submit(*engine, request("abcdefgX", 1))).finish.timings.cache_n, 7);
}

TEST(Prefix, APromptWaitsForOneInWorkThatBeginsLikeIt) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_batch = 8, .n_parallel = 4});
  const std::string common(40, 'p');
  const auto answers = ask_together(
      *engine, *script, {request(common + "1", 1), request(common + "2", 1), request(common + "3", 1)});
  EXPECT_EQ(answers[1].finish.timings.cache_n, 40);
  EXPECT_EQ(answers[2].finish.timings.cache_n, 40);
  EXPECT_EQ(total(script->steps), 1u + 41 + 1 + 1);
}

TEST(Prefix, WithoutCachePromptAllIsEvaluated) {
  const auto engine = fake_engine(echo(), {.n_parallel = 2});
  Request r = request("abcdefgh", 1);
  r.cache_prompt = false;
  collect(*submit(*engine, r));
  const Answer again = collect(*submit(*engine, r));
  EXPECT_EQ(again.finish.timings.cache_n, 0);
  EXPECT_EQ(again.finish.timings.prompt_n, 8);
}

TEST(Prefix, KeptSequencesLeaveWhenTheirMemoryIsNeeded) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_ctx = 32, .n_batch = 32, .n_parallel = 1});
  collect(*submit(*engine, request(std::string(15, 'a'), 1)));
  collect(*submit(*engine, request(std::string(15, 'b'), 1)));
  EXPECT_EQ(script->pasts.size(), 2u);
  collect(*submit(*engine, request(std::string(30, 'c'), 1)));
  EXPECT_EQ(script->pasts.size(), 1u);
  EXPECT_EQ(collect(*submit(*engine, request(std::string(15, 'a'), 1))).finish.timings.cache_n, 0);
}

TEST(Prefix, ThatManySequencesAreKeptAndNoMore) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_ctx = 1024, .n_parallel = 2});
  for (char c = 'a'; c <= 'z'; ++c) collect(*submit(*engine, request(std::string(5, c), 1)));
  EXPECT_EQ(script->pasts.size(), 8u);
  EXPECT_EQ(collect(*submit(*engine, request("zzzzz", 1))).finish.timings.cache_n, 4);
  EXPECT_EQ(collect(*submit(*engine, request("aaaaa", 1))).finish.timings.cache_n, 0);
}

TEST(Prefix, ARecurrentModelGoesOnFromItsSnapshot) {
  const auto script = echo();
  script->recurrent = true;
  const auto engine = fake_engine(script, {.n_parallel = 2});
  collect(*submit(*engine, request("abcdef", 1)));
  EXPECT_EQ(collect(*submit(*engine, request("abcdefg", 1))).finish.timings.cache_n, 6);
}

// Clients.

TEST(Fairness, ClientsTakeTurns) {
  std::vector<std::string> order;
  std::mutex mutex;
  const auto script = echo();
  auto engine = fake_engine(script, {.n_parallel = 1});
  const auto from = [&](std::string client, std::string_view prompt) {
    Request r = request(prompt, 1);
    r.client = client;
    r.on_event = [&, prompt, seen = 0]() mutable {
      const std::lock_guard lock(mutex);
      if (++seen == 2) order.emplace_back(prompt);
    };
    return r;
  };
  ask_together(*engine, *script,
               {from("greedy", "g1"), from("greedy", "g2"), from("greedy", "g3"), from("other", "o1")});
  engine.reset();  // an answer may be there a moment before on_event is called for its end
  EXPECT_THAT(order, ElementsAre("g1", "o1", "g2", "g3"));
}

TEST(Fairness, WhoDoesNotReadCostsOthersNothing) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_ctx = 2048, .n_parallel = 1});
  const auto slow = submit(*engine, request("slow", 1000));
  EXPECT_EQ(collect(*submit(*engine, request("fast", 2))).text, "FF");  // in the one slot that there is
  const Answer answer = collect(*slow);
  EXPECT_EQ(answer.text, std::string(1000, 'S'));
  EXPECT_EQ(answer.finish.timings.predicted_n, 1000);
  EXPECT_EQ(answer.finish.timings.prompt_n, 4);
}

TEST(Fairness, WhoDoesNotReadPauses) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_ctx = 1 << 20, .n_parallel = 2});
  const auto slow = submit(*engine, request("slow"));
  while (engine->stats().slots[0].n_decoded < 256) std::this_thread::yield();
  collect(*submit(*engine, request("fast", 400)));
  EXPECT_EQ(engine->stats().slots[0].n_decoded, 256);
}

// What a request may want besides text.

TEST(Wants, AnEmbeddingOfLengthOne) {
  const auto engine = fake_engine(echo(), {.n_batch = 4});
  Request r = request("abcdef");
  r.embedding = true;
  const Answer answer = collect(*submit(*engine, std::move(r)));
  EXPECT_EQ(answer.tokens.size(), 0u);
  ASSERT_EQ(answer.finish.embedding.size(), 2u);
  EXPECT_FLOAT_EQ(answer.finish.embedding[0], 0.6f);
  EXPECT_FLOAT_EQ(answer.finish.embedding[1], 0.8f);
  EXPECT_EQ(answer.finish.timings.prompt_n, 6);
}

TEST(Wants, LogprobsOfTheModelWhateverTheSamplerDoes) {
  const auto engine = fake_engine(echo());
  Request r = request("a", 1);
  r.n_probs = 2;
  r.sampling.logit_bias = {{'x', 100.0f}};
  const auto generation = submit(*engine, std::move(r));
  const std::optional<Event> event = generation->next();
  ASSERT_TRUE(event && event->logprobs);
  EXPECT_EQ(event->text, "x");
  const double total = std::exp(10.0) + test::kVocab - 1;
  EXPECT_NEAR(event->logprobs->chosen, -std::log(total), 1e-6);
  ASSERT_EQ(event->logprobs->top.size(), 2u);
  EXPECT_EQ(event->logprobs->top[0].token, 'A');
  EXPECT_NEAR(event->logprobs->top[0].logprob, 10 - std::log(total), 1e-6);
  EXPECT_EQ(event->logprobs->top[1].token, 0);
}

TEST(Wants, NoEndBeforeItsTime) {
  const auto script = echo();
  script->next = [](std::span<const Token>) { return test::kEnd; };
  const auto engine = fake_engine(script);
  Request r = request("a", 5);
  r.ignore_eos = true;
  EXPECT_EQ(collect(*submit(*engine, std::move(r))).tokens.size(), 5u);
}

TEST(Wants, ToBeToldOfEveryEvent) {
  const auto engine = fake_engine(echo());
  std::atomic<int> events = 0;
  Request r = request("a", 3);
  r.on_event = [&] { ++events; };
  collect(*submit(*engine, std::move(r)));
  while (events < 4) std::this_thread::yield();  // three tokens and the end
}

// Failures, and what can be seen from outside.

TEST(Batching, AFailedStepEndsThoseInItAndNoOthers) {
  const auto script = echo();
  const auto engine = fake_engine(script, {.n_parallel = 2});
  script->fail_at = 2;
  const auto answers = ask_together(*engine, *script, {request("a", 4), request("b", 4), request("c", 4)});
  EXPECT_EQ(answers[0].finish.error->message, "the device is gone");
  EXPECT_EQ(answers[1].finish.error->message, "the device is gone");
  EXPECT_EQ(answers[2].text, "CCCC");
}

TEST(Stats, CountRequestsAndTokens) {
  const auto engine = fake_engine(echo(), {.n_parallel = 3});
  EXPECT_EQ(engine->stats().slots.size(), 3u);
  collect(*submit(*engine, request("abc", 4)));
  collect(*submit(*engine, request("abcd", 4)));
  while (engine->stats().requests < 2) std::this_thread::yield();
  const Stats stats = engine->stats();
  EXPECT_EQ(stats.prompt_tokens, 4u);
  EXPECT_EQ(stats.cached_tokens, 3u);
  EXPECT_EQ(stats.predicted_tokens, 8u);
  EXPECT_EQ(stats.waiting, 0);
  EXPECT_EQ(stats.slots[0].request, 0u);
}

}  // namespace
}  // namespace halcyon::engine
