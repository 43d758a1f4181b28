// The meter: joules from counters and gauges that come, go, wrap around and are reset.
#include "energy/meter.h"

#include <gmock/gmock.h>

#include "tests/energy/fake_machine.h"
#include "tests/energy/fake_sensor.h"

namespace halcyon::energy {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Optional;

class MeterTest : public testing::Test {
 protected:
  FakeBench bench_;
};

TEST_F(MeterTest, CountersAreDifferences) {
  const auto package = bench_.counter(Domain::package);
  Meter meter = bench_.meter();
  const Reading first = meter.read();
  EXPECT_EQ(first.joules[0], 0);
  EXPECT_EQ(first.watts[0], std::nullopt) << "nothing has passed";
  bench_.pass(2), *package->value += 50;
  const Reading second = meter.read();
  EXPECT_DOUBLE_EQ(second.joules[0], 50);
  EXPECT_THAT(second.watts[0], Optional(DoubleEq(25)));
  bench_.pass(3600), *package->value += 36000;
  EXPECT_DOUBLE_EQ(meter.billed_joules(second, meter.read()), 36000);
}

TEST_F(MeterTest, GaugesAreTrapezoids) {
  const auto soc = bench_.gauge(Domain::soc, 10);
  Meter meter = bench_.meter();
  bench_.pass(1), soc->value = 30;
  EXPECT_DOUBLE_EQ(meter.read().joules[0], 20);
  bench_.pass(0.5);
  const Reading reading = meter.read();
  EXPECT_DOUBLE_EQ(reading.joules[0], 35);
  EXPECT_THAT(reading.watts[0], Optional(30.0));
}

TEST_F(MeterTest, AfterALongGapAGaugeStandsForAllOfIt) {
  const auto soc = bench_.gauge(Domain::soc, 80);  // the end of some work
  Meter meter = bench_.meter();
  bench_.pass(8 * 3600), soc->value = 8;
  EXPECT_DOUBLE_EQ(meter.read().joules[0], 8 * 8 * 3600) << "the night was not spent at 44 W";
}

TEST_F(MeterTest, AGaugeIsNotAskedAllTheTime) {
  const auto soc = bench_.gauge(Domain::soc, 10);
  const auto package = bench_.counter(Domain::package);
  Meter meter = bench_.meter();
  for (int i = 0; i < 10; ++i) {
    bench_.pass(0.01);
    soc->value = 1000;
    meter.read();
  }
  EXPECT_EQ(soc->reads, 3) << "at 0, 50 and 100 ms";
  EXPECT_EQ(package->reads, 11);
  // 40 ms at 10 W, 10 ms up to 1000 W, the rest at that.
  EXPECT_NEAR(meter.read().joules[0], 0.04 * 10 + 0.01 * 505 + 0.05 * 1000, 1e-6);
}

TEST_F(MeterTest, ASensorThatFailsForAMomentKeepsItsPower) {
  const auto soc = bench_.gauge(Domain::soc, 10);
  const auto memory = bench_.counter(Domain::dram);
  Meter meter = bench_.meter();
  bench_.pass(1), *memory->value += 5;
  meter.read();
  soc->value.reset(), memory->value.reset();
  bench_.pass(1);
  const Reading failed = meter.read();
  EXPECT_THAT(failed.joules, ElementsAre(DoubleEq(20), DoubleEq(10)));
  EXPECT_THAT(failed.watts, ElementsAre(Optional(10.0), Optional(DoubleEq(5))));
  bench_.pass(1), soc->value = 10, memory->value = 7;  // loaded anew: it counts from somewhere else
  EXPECT_THAT(meter.read().joules, ElementsAre(DoubleEq(30), DoubleEq(15)));
  bench_.pass(1), *memory->value += 2;
  EXPECT_THAT(meter.read().joules, ElementsAre(DoubleEq(40), DoubleEq(17)));
}

TEST_F(MeterTest, AnOutageIsNotChargedToTheMomentItEnds) {
  const auto soc = bench_.gauge(Domain::soc, 10);
  const auto memory = bench_.counter(Domain::dram);
  Meter meter = bench_.meter();
  bench_.pass(1), *memory->value += 10;
  meter.read();
  const double counter = *memory->value;
  soc->value.reset(), memory->value.reset();
  for (int second = 0; second < 600; ++second) bench_.pass(1), meter.read();
  const Reading silent = meter.read();
  EXPECT_THAT(silent.joules, ElementsAre(DoubleEq(10 + 100), DoubleEq(10 + 100))) << "10 s more";
  EXPECT_THAT(silent.watts, ElementsAre(std::nullopt, std::nullopt));
  soc->value = 50, memory->value = counter + 6000;
  bench_.pass(1);
  EXPECT_THAT(meter.read().joules, ElementsAre(DoubleEq(110), DoubleEq(110)));
  bench_.pass(1), *memory->value += 1;
  EXPECT_THAT(meter.read().joules, ElementsAre(DoubleEq(160), DoubleEq(111)));
}

TEST_F(MeterTest, AFailureAfterALongGapIsNotALongPower) {
  const auto soc = bench_.gauge(Domain::soc, 80);
  Meter meter = bench_.meter();
  soc->value.reset();
  bench_.pass(3600);
  EXPECT_DOUBLE_EQ(meter.read().joules[0], 800) << "10 s";
}

TEST_F(MeterTest, ACounterThatIsResetGoesOnFromThere) {
  const auto package = bench_.counter(Domain::package);
  Meter meter = bench_.meter();
  bench_.pass(1), *package->value += 20;
  meter.read();
  bench_.pass(1), package->value = 3;
  EXPECT_DOUBLE_EQ(meter.read().joules[0], 40) << "as in the second before";
  bench_.pass(1), package->value = 3 + 65'000;  // a fall that looked like a wrap-around
  EXPECT_DOUBLE_EQ(meter.read().joules[0], 60);
  bench_.pass(1), *package->value += 7;
  EXPECT_DOUBLE_EQ(meter.read().joules[0], 67);
}

TEST_F(MeterTest, CountersThatMoveInBurstsAreBelieved) {
  const auto gpu = bench_.counter(Domain::gpu);
  Meter meter = bench_.meter();
  bench_.pass(0.001), *gpu->value += 60;  // 600 W, shown every 100 ms
  EXPECT_DOUBLE_EQ(meter.read().joules[0], 60);
}

TEST_F(MeterTest, SuspensionIsNotCounted) {
  const auto package = bench_.counter(Domain::package);
  const auto gpu = bench_.gauge(Domain::gpu, 5);
  Meter meter = bench_.meter();
  bench_.pass(1), *package->value += 30;
  meter.read();
  bench_.pass(1), bench_.suspend(7200), *package->value += 1500;  // whatever it did meanwhile
  EXPECT_THAT(meter.read().joules, ElementsAre(DoubleEq(60), DoubleEq(10)));
  bench_.pass(1), *package->value += 30;
  EXPECT_THAT(meter.read().joules, ElementsAre(DoubleEq(90), DoubleEq(15)));
}

TEST_F(MeterTest, WrapsThatNobodySawAreCountedByTheLeastPower) {
  constexpr double kRange = 65'536;
  const auto package = bench_.counter(Domain::package, kRange);
  Meter meter = bench_.meter();
  bench_.pass(5), *package->value += 5 * 11;  // idle, 11 W
  const Reading before = meter.read();
  bench_.pass(5), *package->value += 5 * 90;
  meter.read();
  const double night = 8 * 3600 * 10.0;  // 288 kJ: four times around
  bench_.pass(8 * 3600), *package->value += std::fmod(night, kRange);
  const Reading after = meter.read();
  EXPECT_NEAR(after.joules[0] - before.joules[0] - 450, night, 1e-6);
  EXPECT_THAT(after.watts[0], Optional(DoubleNear(10, 1e-6)));
}

TEST_F(MeterTest, WithoutOneTheyAreUnknown) {
  const auto package = bench_.counter(Domain::package, 65'536);
  Meter meter = bench_.meter();
  bench_.pass(8 * 3600), *package->value += 500;
  const Reading reading = meter.read();
  EXPECT_DOUBLE_EQ(reading.joules[0], 500) << "at least";
  EXPECT_EQ(reading.watts[0], std::nullopt);
}

TEST_F(MeterTest, WhatAnswersIsBilled) {
  const auto battery = bench_.gauge(Domain::battery, 10);
  const auto cpu = bench_.counter(Domain::cpu_estimate, 0, /*measured=*/false);
  Meter meter = bench_.meter();
  EXPECT_THAT(meter.billed(), ElementsAre(0));
  EXPECT_TRUE(meter.measured());
  EXPECT_EQ(meter.settling_time(), std::chrono::seconds(60));
  battery->value.reset();  // the charger is plugged in
  for (int second = 0; second < 12; ++second) bench_.pass(1), meter.read();
  EXPECT_THAT(meter.billed(), ElementsAre(1));
  EXPECT_FALSE(meter.measured());
  EXPECT_EQ(meter.measured_source(), "");
  EXPECT_EQ(meter.settling_time(), std::chrono::seconds(1));
  battery->value = 9;
  bench_.pass(1), meter.read();
  EXPECT_THAT(meter.billed(), ElementsAre(0));
}

TEST_F(MeterTest, SourceNamesWhatIsBilled) {
  const FakeMachine machine;
  machine.add_rapl("intel-rapl:0", "package-0");
  machine.add_rapl("intel-rapl:1", "package-1");
  machine.write(FakeMachine::device(0) + "/gpu_busy_percent", "50");
  Hints hints;
  const Meter meter(machine.open(hints));
  EXPECT_EQ(meter.source(),
            "RAPL package-0 (intel-rapl:0) + RAPL package-1 (intel-rapl:1) + estimated: card0 "
            "gpu_busy_percent × 40 "
            "W (--gpu-watts, HALCYON_GPU_WATTS)");
  EXPECT_EQ(meter.measured_source(), "RAPL package-0 (intel-rapl:0) + RAPL package-1 (intel-rapl:1)");
  EXPECT_FALSE(meter.measured());
}

TEST_F(MeterTest, ReadsTheRealMachine) {
  Meter meter = Meter::open();
  ASSERT_FALSE(meter.billed().empty());
  const Reading before = meter.read();
  const Reading after = meter.read();
  EXPECT_GE(meter.billed_joules(before, after), 0);
}

}  // namespace
}  // namespace halcyon::energy
