// The ledger: joules of steps and phases, and what the idle machine would have taken.
#include "energy/ledger.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/energy/fake_sensor.h"

namespace halcyon::energy {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::Optional;

class LedgerTest : public testing::Test {
 protected:
  /// Time in which the package takes so much.
  void pass(double seconds, double watts) {
    bench_.pass(seconds);
    *package_->value += seconds * watts;
  }
  Joules run(Ledger& ledger, double seconds, double watts, const Work& work) {
    Ledger::Step step;
    ledger.begin(step);
    pass(seconds, watts);
    return ledger.end(step, work);
  }

  FakeBench bench_;
  FakeBench::Display package_ = bench_.counter(Domain::package);
};

TEST_F(LedgerTest, AStepHasTheJoulesOfItsTime) {
  Ledger ledger(bench_.meter());
  pass(0.1, 10);
  const Joules step = run(ledger, 0.5, 60, {.decode_tokens = 1});
  EXPECT_DOUBLE_EQ(step.gross, 30);
  EXPECT_EQ(step.above_idle, std::nullopt) << "a tenth of a second does not tell the idle power";
}

TEST_F(LedgerTest, IdlenessTellsTheBaseline) {
  Ledger ledger(bench_.meter());
  pass(2, 10);
  EXPECT_THAT(run(ledger, 0.5, 60, {.decode_tokens = 1}).above_idle, Optional(DoubleEq(25)));
  EXPECT_THAT(ledger.totals().idle_watts, Optional(DoubleEq(10)));
  pass(30, 12);  // half of the memory of a minute
  EXPECT_THAT(run(ledger, 1, 61, {.decode_tokens = 1}).above_idle, Optional(DoubleEq(50)));
  pass(600, 20);
  EXPECT_THAT(ledger.totals().idle_watts, Optional(DoubleEq(20)));
}

TEST_F(LedgerTest, AGivenBaselineStays) {
  Ledger ledger(bench_.meter(), 5);
  EXPECT_THAT(run(ledger, 1, 60, {.decode_tokens = 1}).above_idle, Optional(DoubleEq(55)));
  pass(100, 30);
  EXPECT_THAT(run(ledger, 1, 60, {.decode_tokens = 1}).above_idle, Optional(DoubleEq(55)));
}

TEST_F(LedgerTest, AboveIdleIsNeverNegativeNorLost) {
  Ledger ledger(bench_.meter(), 10);
  // A counter that shows 90 J only every third step of 0.5 s.
  EXPECT_THAT(run(ledger, 0.5, 0, {.decode_tokens = 1}).above_idle, Optional(0.0));
  EXPECT_THAT(run(ledger, 0.5, 0, {.decode_tokens = 1}).above_idle, Optional(0.0));
  EXPECT_THAT(run(ledger, 0.5, 180, {.decode_tokens = 1}).above_idle, Optional(DoubleEq(90 - 15)));
}

TEST_F(LedgerTest, TotalsAboveIdleDoNotFallWhenTheBaselineRises) {
  Ledger ledger(bench_.meter());
  pass(2, 10);
  run(ledger, 1, 60, {.decode_tokens = 1});
  EXPECT_THAT(ledger.totals().phases.at(Phase::decode).joules.above_idle, Optional(DoubleEq(50)));
  double idle = 0;
  for (const double watts : {12, 8, 30, 30, 10}) {
    pass(20, watts);
    const Ledger::Totals totals = ledger.totals();
    EXPECT_THAT(totals.phases.at(Phase::decode).joules.above_idle, Optional(DoubleEq(50)));
    const double now = totals.phases.at(Phase::idle).joules.above_idle.value_or(0);
    EXPECT_GE(now, idle);
    idle = now;
  }
}

TEST_F(LedgerTest, StepsAtTheSameTimeShareEqually) {
  Ledger ledger(bench_.meter(), 10);
  Ledger::Step first, second;
  ledger.begin(first);
  pass(1, 100);
  ledger.begin(second);
  pass(2, 100);
  const Joules of_first = ledger.end(first, {.decode_tokens = 1});
  pass(1, 50);
  const Joules of_second = ledger.end(second, {.prefill_tokens = 7});
  EXPECT_DOUBLE_EQ(of_first.gross, 100 + 100);
  EXPECT_THAT(of_first.above_idle, Optional(DoubleEq(200 - 20)));
  EXPECT_DOUBLE_EQ(of_second.gross, 100 + 50);
  const Ledger::Totals totals = ledger.totals();
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::decode).joules.gross, 200);
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::decode).seconds, 2);
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::prefill).joules.gross, 150);
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::prefill).seconds, 2);
  EXPECT_EQ(totals.phases.at(Phase::idle).joules.gross, 0);
}

TEST_F(LedgerTest, AStepIsDividedAmongPhasesByTokens) {
  Ledger ledger(bench_.meter(), 10);
  Ledger::Step load;
  ledger.begin(load);
  pass(3, 20);
  EXPECT_DOUBLE_EQ(ledger.end(load, Phase::load).gross, 60);
  run(ledger, 1, 80, {.prefill_tokens = 6, .decode_tokens = 2});
  pass(5, 12);
  const Ledger::Totals totals = ledger.totals();
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::load).joules.gross, 60);
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::prefill).joules.gross, 60);
  EXPECT_THAT(totals.phases.at(Phase::prefill).joules.above_idle, Optional(DoubleEq(52.5)));
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::decode).joules.gross, 20);
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::idle).joules.gross, 60);
  EXPECT_THAT(totals.phases.at(Phase::idle).joules.above_idle, Optional(DoubleEq(10)))
      << "resident, not asleep";
  EXPECT_DOUBLE_EQ(totals.joules.at({0, Phase::decode}), 20);
}

TEST_F(LedgerTest, WhatNobodyFinishedIsIdle) {
  Ledger ledger(bench_.meter());
  {
    Ledger::Step abandoned;
    ledger.begin(abandoned);
    pass(1, 40);
  }
  EXPECT_DOUBLE_EQ(run(ledger, 1, 30, {}).gross, 30);
  Ledger::Step unknown;
  EXPECT_EQ(ledger.end(unknown, Work{.decode_tokens = 1}).gross, 0);
  const Ledger::Totals totals = ledger.totals();
  EXPECT_DOUBLE_EQ(totals.phases.at(Phase::idle).joules.gross, 70);
  EXPECT_EQ(totals.phases.at(Phase::decode).joules.gross, 0);
}

TEST_F(LedgerTest, AGaugeIsIdleAtTheEndOfTheWindow) {
  FakeBench bench;
  const auto soc = bench.gauge(Domain::soc, 70);
  Ledger ledger(bench.meter());
  Ledger::Step step;
  ledger.begin(step), bench.pass(1);
  ledger.end(step, Work{.decode_tokens = 1});
  bench.pass(3), soc->value = 30;  // it averages: the work is still in it
  ledger.begin(step), bench.pass(0.1);
  EXPECT_EQ(ledger.end(step, Work{.decode_tokens = 1}).above_idle, std::nullopt);
  bench.pass(60), soc->value = 8;
  ledger.begin(step), bench.pass(1), soc->value = 70;
  EXPECT_THAT(ledger.end(step, Work{.decode_tokens = 1}).above_idle,
              Optional(DoubleNear((8 + 70) / 2.0 - 8, 1e-6)));
}

TEST_F(LedgerTest, WatchingTheTotalsDoesNotKeepTheBaselineFromBeingLearned) {
  Ledger ledger(bench_.meter());
  run(ledger, 1, 60, {.decode_tokens = 1});
  for (int i = 0; i < 15; ++i) {
    pass(0.1, 9);
    ledger.totals();
  }
  EXPECT_THAT(ledger.totals().idle_watts, Optional(DoubleNear(9, 1e-9)));
}

TEST_F(LedgerTest, AnEstimateHasNoBaseline) {
  FakeBench bench;
  const auto cpu = bench.counter(Domain::cpu_estimate, 0, /*measured=*/false);
  Ledger ledger(bench.meter(), 12);  // measured with sensors that are not there now
  EXPECT_THAT(ledger.totals().idle_watts, Optional(0.0));
  Ledger::Step step;
  ledger.begin(step);
  bench.pass(1), *cpu->value += 8;
  EXPECT_THAT(ledger.end(step, Work{.decode_tokens = 1}).above_idle, Optional(DoubleEq(8)));
  EXPECT_FALSE(ledger.measured());
}

TEST_F(LedgerTest, OtherSensorsHaveAnotherBaseline) {
  FakeBench bench;
  const auto soc = bench.gauge(Domain::soc, 50);
  const auto cpu = bench.counter(Domain::cpu_estimate, 0, /*measured=*/false);
  Ledger ledger(bench.meter(), 20);
  const auto run = [&](double seconds) {
    Ledger::Step step;
    ledger.begin(step), bench.pass(seconds);
    return ledger.end(step, Work{.decode_tokens = 1});
  };
  EXPECT_THAT(run(1).above_idle, Optional(DoubleEq(30)));
  soc->value.reset();
  run(1), run(20);
  *cpu->value += 100;
  EXPECT_THAT(ledger.totals().idle_watts, Optional(0.0));
  soc->value = 50;
  run(1);
  EXPECT_THAT(ledger.totals().idle_watts, Optional(20.0));
}

TEST_F(LedgerTest, ManyThreadsBookEveryJoule) {
  Ledger ledger(Meter::open({.root = SystemRoot("/nonexistent"), .nvml_library = ""}));
  std::vector<double> gross(4, 0);
  std::vector<std::thread> engines;
  for (double& mine : gross)
    engines.emplace_back([&ledger, &mine] {
      Ledger::Step step;
      for (int i = 0; i < 2000; ++i) {
        ledger.begin(step);
        mine += ledger.end(step, Work{.decode_tokens = 1}).gross;
      }
    });
  for (std::thread& engine : engines) engine.join();
  const Ledger::Totals totals = ledger.totals();
  EXPECT_NEAR(gross[0] + gross[1] + gross[2] + gross[3], totals.phases.at(Phase::decode).joules.gross, 1e-9);
  EXPECT_GT(totals.phases.at(Phase::decode).joules.gross, 0);
}

}  // namespace
}  // namespace halcyon::energy
