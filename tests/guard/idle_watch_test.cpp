#include "guard/idle_watch.h"

#include <gtest/gtest.h>

namespace halcyon::guard {
namespace {

using namespace std::chrono_literals;

class IdleWatchTest : public testing::Test {
 protected:
  /// A look one second after the last.
  bool is_work(double cpu_percent, std::optional<double> gpu_percent = std::nullopt) {
    now += 1s;
    return watch.is_work({.cpu_percent = cpu_percent, .gpu_percent = gpu_percent}, now);
  }

  /// How many seconds of this are taken for work.
  int seconds_of_work(double cpu_percent, std::optional<double> gpu_percent = std::nullopt) {
    for (int seconds = 0; seconds < 1000; ++seconds)
      if (!is_work(cpu_percent, gpu_percent)) return seconds;
    return 1000;
  }

  IdleWatch watch;
  IdleWatch::Clock::time_point now{};
};

TEST_F(IdleWatchTest, WhatItUsesInTheFirstIdleSecondsIsItsSpin) {
  EXPECT_EQ(watch.spin(), std::nullopt);
  EXPECT_FALSE(is_work(250));
  EXPECT_EQ(watch.spin(), 250);
  EXPECT_FALSE(is_work(250));
  EXPECT_FALSE(is_work(265));  // nearly the same
}

TEST_F(IdleWatchTest, MoreThanThatIsWork) {
  is_work(250);
  EXPECT_TRUE(is_work(350));
  EXPECT_FALSE(is_work(250));
  EXPECT_EQ(watch.spin(), 250);
}

TEST_F(IdleWatchTest, SmallChangesAreNone) {
  is_work(0);
  EXPECT_FALSE(is_work(20));
  EXPECT_TRUE(is_work(21));
  watch.forget();
  is_work(1000);  // the margin is a share of it
  EXPECT_FALSE(is_work(1099));
  EXPECT_TRUE(is_work(1110));
}

TEST_F(IdleWatchTest, ASteadyRateForSoLongIsSpinThatBeganLater) {
  is_work(0);
  EXPECT_EQ(seconds_of_work(200), 30);
  EXPECT_EQ(watch.spin(), 200);
  EXPECT_FALSE(is_work(205));
  EXPECT_TRUE(is_work(300));
}

TEST_F(IdleWatchTest, WorkThatIsNotSteadyIsWorkHoweverLongItTakes) {
  is_work(0);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(is_work(i % 2 == 0 ? 100 : 300)) << i;
  EXPECT_EQ(watch.spin(), 0);
}

TEST_F(IdleWatchTest, APauseEndsWhatWasSteady) {
  is_work(0);
  for (int i = 0; i < 29; ++i) EXPECT_TRUE(is_work(200));
  EXPECT_FALSE(is_work(0));
  EXPECT_EQ(seconds_of_work(200), 30);
}

TEST_F(IdleWatchTest, ARequestEndsWhatWasSteady) {
  is_work(0);
  for (int i = 0; i < 29; ++i) EXPECT_TRUE(is_work(200));
  watch.new_idle_time();
  EXPECT_EQ(seconds_of_work(200), 30);
}

TEST_F(IdleWatchTest, TheGpuCountsLikewise) {
  is_work(0, 0);
  EXPECT_FALSE(is_work(0, 15));
  EXPECT_TRUE(is_work(0, 16));
  EXPECT_FALSE(is_work(0, 0));
  EXPECT_EQ(seconds_of_work(0, 100), 30);  // pinned, as llama-server leaves it on some GPUs
  EXPECT_FALSE(is_work(0, 100));
  EXPECT_FALSE(is_work(0, 0));
  EXPECT_TRUE(is_work(0, 100));
}

TEST_F(IdleWatchTest, BothHaveToBeSteady) {
  is_work(0, 0);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(is_work(200, i % 2 == 0 ? 20 : 80)) << i;
  EXPECT_EQ(watch.spin(), 0);
}

TEST_F(IdleWatchTest, AGpuThatIsSeenLaterIsKnownFromThenOn) {
  is_work(0);
  EXPECT_FALSE(is_work(0, 50));
  EXPECT_FALSE(is_work(0));
  EXPECT_TRUE(is_work(0, 70));
}

TEST_F(IdleWatchTest, FallingUseLowersWhatIsKnown) {
  is_work(400, 90);  // it was still at its warm-up
  EXPECT_FALSE(is_work(100, 0));
  EXPECT_EQ(watch.spin(), 100);
  EXPECT_TRUE(is_work(400, 0));
  EXPECT_TRUE(is_work(100, 90));
}

TEST_F(IdleWatchTest, AnotherProcessHasAnotherSpin) {
  is_work(0);
  watch.forget();
  EXPECT_EQ(watch.spin(), std::nullopt);
  EXPECT_FALSE(is_work(250));
  EXPECT_EQ(watch.spin(), 250);
}

TEST_F(IdleWatchTest, PatienceIsASetting) {
  watch = IdleWatch(5s);
  is_work(0);
  EXPECT_EQ(seconds_of_work(200), 5);
  watch.forget();
  is_work(0);
  EXPECT_EQ(seconds_of_work(200), 5);
  watch = IdleWatch(IdleWatch::Clock::duration::max());
  is_work(0);
  EXPECT_EQ(seconds_of_work(200), 1000);
}

}  // namespace
}  // namespace halcyon::guard
