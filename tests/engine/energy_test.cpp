// What a request costs: its part of the joules of the steps that it shares with others.
#include <gmock/gmock.h>

#include "energy/ledger.h"
#include "energy/meter.h"
#include "engine/engine.h"
#include "tests/engine/fake_model.h"
#include "tests/support/support.h"

namespace halcyon::engine {
namespace {

using energy::Phase;
using test::Answer;
using test::bytes;
using test::collect;
using test::fake_engine;
using test::Script;
using testing::DoubleNear;

constexpr double kStepJoules = 12;
constexpr double kExact = 1e-9;

/// A counter that goes up by 12 J with each step of the model.
class StepCounter final : public energy::Sensor {
 public:
  StepCounter(std::shared_ptr<Script> script, bool measured)
      : script_(std::move(script)),
        info_{.domain = energy::Domain::package,
              .name = "package-0",
              .source = "a test",
              .measured = measured} {}
  const energy::SensorInfo& info() const override { return info_; }
  Result<energy::Sample> sample() override {
    return energy::Sample{energy::Sample::Kind::joules,
                          kStepJoules * static_cast<double>(script_->steps.size())};
  }

 private:
  std::shared_ptr<Script> script_;
  energy::SensorInfo info_;
};

std::shared_ptr<energy::Ledger> ledger_of(const std::shared_ptr<Script>& script, bool measured = true) {
  energy::Sensors sensors;
  sensors.push_back(std::make_unique<StepCounter>(script, measured));
  return std::make_shared<energy::Ledger>(energy::Meter(std::move(sensors)));
}

std::shared_ptr<Script> endless() {
  auto script = std::make_shared<Script>();
  script->next = [](std::span<const Token>) { return 'a'; };
  return script;
}

std::shared_ptr<Generation> submit(Engine& engine, std::string_view prompt, int32_t max_tokens) {
  Request request;
  request.prompt = bytes(prompt);
  request.max_tokens = max_tokens;
  request.sampling.temperature = 0;
  auto generation = engine.submit(std::move(request));
  EXPECT_TRUE(generation.has_value());
  return *generation;
}

TEST(Price, OfARequestAloneIsThatOfItsSteps) {
  const auto script = endless();
  const auto engine = fake_engine(script, {.ledger = ledger_of(script)});
  const Answer answer = collect(*submit(*engine, "prompt", 3));
  ASSERT_TRUE(answer.finish.timings.energy);
  const Timings::Energy& energy = *answer.finish.timings.energy;
  EXPECT_THAT(energy.price.prefill.gross, DoubleNear(kStepJoules, kExact));
  EXPECT_THAT(energy.price.decode.gross,
              DoubleNear(2 * kStepJoules, kExact));  // the first token came with the prompt
  EXPECT_EQ(energy.source, "a test");
  EXPECT_TRUE(energy.measured);
}

TEST(Price, IsSharedByTokensComputed) {
  const auto script = endless();
  const auto ledger = ledger_of(script);
  const auto engine = fake_engine(script, {.n_parallel = 2, .ledger = ledger});
  script->hold();
  const auto first = submit(*engine, "z", 0);  // the step that is held
  script->await_step();
  const auto small = submit(*engine, "ab", 2);
  const auto large = submit(*engine, "cdefgh", 2);
  script->release();
  collect(*first);
  const Answer a = collect(*small), b = collect(*large);
  // One step for both prompts, of 2 and 6 tokens, and one for a token of each.
  EXPECT_THAT(a.finish.timings.energy->price.prefill.gross, DoubleNear(kStepJoules * 2 / 8, kExact));
  EXPECT_THAT(b.finish.timings.energy->price.prefill.gross, DoubleNear(kStepJoules * 6 / 8, kExact));
  EXPECT_THAT(a.finish.timings.energy->price.decode.gross, DoubleNear(kStepJoules / 2, kExact));
  EXPECT_THAT(b.finish.timings.energy->price.decode.gross, DoubleNear(kStepJoules / 2, kExact));
}

TEST(Price, OfAllRequestsTogetherIsWhatTheLedgerBooked) {
  const auto script = endless();
  const auto ledger = ledger_of(script);
  const auto engine = fake_engine(script, {.n_parallel = 3, .ledger = ledger});
  std::vector<std::shared_ptr<Generation>> generations;
  for (const char* prompt : {"one", "another one", "x", "the last"})
    generations.push_back(submit(*engine, prompt, 5));
  energy::Joules prefill, decode;
  for (const auto& generation : generations) {
    const Answer answer = collect(*generation);
    prefill += answer.finish.timings.energy->price.prefill;
    decode += answer.finish.timings.energy->price.decode;
  }
  const energy::Ledger::Totals totals = ledger->totals();
  EXPECT_THAT(totals.phases.at(Phase::prefill).joules.gross, DoubleNear(prefill.gross, 1e-6));
  EXPECT_THAT(totals.phases.at(Phase::decode).joules.gross, DoubleNear(decode.gross, 1e-6));
  EXPECT_EQ(totals.phases.at(Phase::prefill).tokens, 3u + 11u + 1u + 8u);
  EXPECT_EQ(totals.phases.at(Phase::decode).tokens, 4u * 4u);
  EXPECT_THAT(prefill.gross + decode.gross,
              DoubleNear(kStepJoules * static_cast<double>(script->steps.size()), 1e-6));
}

TEST(Price, AboveIdleIsUnknownUntilTheIdleMachineWasSeen) {
  const auto script = endless();
  const auto engine = fake_engine(script, {.ledger = ledger_of(script)});
  EXPECT_FALSE(collect(*submit(*engine, "ab", 2)).finish.timings.energy->price.decode.above_idle);
}

TEST(Price, ThatIsEstimatedSaysSo) {
  const auto script = endless();
  const auto engine = fake_engine(script, {.ledger = ledger_of(script, false)});
  const Answer answer = collect(*submit(*engine, "ab", 2));
  EXPECT_FALSE(answer.finish.timings.energy->measured);
  EXPECT_EQ(answer.finish.timings.energy->price.decode.above_idle,
            kStepJoules);  // estimates count work alone
}

TEST(Price, IsAbsentWithoutALedger) {
  const auto script = endless();
  EXPECT_FALSE(collect(*submit(*fake_engine(script), "ab", 2)).finish.timings.energy);
}

}  // namespace
}  // namespace halcyon::engine
