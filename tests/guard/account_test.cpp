#include "guard/account.h"

#include <gtest/gtest.h>

namespace halcyon::guard {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{};

/// Stopped, starting for a minute, idle for 9, frozen for 20 hours, busy for an hour.
Account some_day() {
  Account account(kStart);
  account.change(State::starting, kStart);
  account.change(State::idle, kStart + 1min);
  account.change(State::frozen, kStart + 10min);
  account.change(State::busy, kStart + 20h + 10min);
  return account;
}
constexpr Time kEnd = kStart + 21h + 10min;

TEST(Account, CountsTheSecondsInEachState) {
  const Account account = some_day();
  EXPECT_DOUBLE_EQ(account.seconds_in(State::starting, kEnd), 60);
  EXPECT_DOUBLE_EQ(account.seconds_in(State::idle, kEnd), 540);
  EXPECT_DOUBLE_EQ(account.seconds_in(State::frozen, kEnd), 72000);
  EXPECT_DOUBLE_EQ(account.seconds_in(State::busy, kEnd), 3600);  // which still goes on
  EXPECT_DOUBLE_EQ(account.seconds_in(State::stopped, kEnd), 0);
  EXPECT_DOUBLE_EQ(account.seconds_in(State::failed, kEnd), 0);
  EXPECT_DOUBLE_EQ(account.seconds(kEnd), 76200);
}

TEST(Account, AddsUpWhatComesAgain) {
  Account account(kStart);
  account.change(State::frozen, kStart + 1s);
  account.change(State::busy, kStart + 3s);
  account.change(State::frozen, kStart + 4s);
  EXPECT_DOUBLE_EQ(account.seconds_in(State::frozen, kStart + 10s), 8);
  EXPECT_DOUBLE_EQ(account.seconds_in(State::stopped, kStart + 10s), 1);
}

TEST(Account, SavedIsTheSpinForAsLongAsItDidNotRun) {
  Account account = some_day();
  EXPECT_EQ(account.saved(4, kEnd).cpu_hours, 0);  // nothing is known yet
  account.set_spin(250);
  const Saved saved = account.saved(4, kEnd);
  EXPECT_DOUBLE_EQ(saved.cpu_hours, 50);
  EXPECT_DOUBLE_EQ(saved.wh, 200);
  EXPECT_FALSE(saved.measured);
}

TEST(Account, StoppedCountsAsFrozenDoes) {
  Account account(kStart);
  account.set_spin(100);
  account.change(State::frozen, kStart + 1h);
  account.change(State::failed, kStart + 3h);
  EXPECT_DOUBLE_EQ(account.saved(4, kStart + 10h).cpu_hours, 3);
}

TEST(Account, WattsAreMeasuredWhereBothAreKnown) {
  Account account = some_day();
  account.set_spin(250);
  account.set_idle_watts(60);
  EXPECT_FALSE(account.saved(4, kEnd).measured);
  account.set_frozen_watts(12.5);
  Saved saved = account.saved(4, kEnd);
  EXPECT_TRUE(saved.measured);
  EXPECT_DOUBLE_EQ(saved.wh, 20 * 47.5);
  EXPECT_DOUBLE_EQ(saved.cpu_hours, 50);
  account.set_frozen_watts(70);  // something else ran meanwhile
  EXPECT_EQ(account.saved(4, kEnd).wh, 0);
}

TEST(Account, RemembersHowLongThawingTook) {
  Account account(kStart);
  EXPECT_EQ(account.thaws().count, 0u);
  account.add_thaw(4ms);
  account.add_thaw(1500us);
  EXPECT_EQ(account.thaws().count, 2u);
  EXPECT_DOUBLE_EQ(account.thaws().last_ms, 1.5);
  EXPECT_DOUBLE_EQ(account.thaws().total_ms, 5.5);
  EXPECT_DOUBLE_EQ(account.thaws().longest_ms, 4);
}

TEST(Summary, SaysWhatWasSaved) {
  Account account = some_day();
  account.set_spin(250);
  EXPECT_EQ(summary(account, 4, kEnd),
            "frozen 20.0 h of 21.2 h, saved 50.0 core-hours ≈ 200 Wh (estimated, 4 W/core)");
  EXPECT_EQ(summary(account, 4.5, kEnd),
            "frozen 20.0 h of 21.2 h, saved 50.0 core-hours ≈ 225 Wh (estimated, 4.5 W/core)");
  account.set_idle_watts(60);
  account.set_frozen_watts(10);
  EXPECT_EQ(summary(account, 4, kEnd), "frozen 20.0 h of 21.2 h, saved 50.0 core-hours ≈ 1000 Wh (measured)");
}

TEST(Summary, TimesAreInUnitsThatFitThem) {
  Account account(kStart);
  account.set_spin(100);
  account.change(State::frozen, kStart);
  account.change(State::stopped, kStart + 45s);
  EXPECT_EQ(
      summary(account, 4, kStart + 45s + 90min),
      "frozen 45 s of 90.8 min, stopped 90.0 min, saved 1.51 core-hours ≈ 6.05 Wh (estimated, 4 W/core)");
}

TEST(Summary, SmallSavingsHaveDigitsToo) {
  Account account(kStart);
  account.set_spin(3);
  account.change(State::frozen, kStart);
  EXPECT_EQ(summary(account, 4, kStart + 36s),
            "frozen 36 s of 36 s, saved 0.000300 core-hours ≈ 0.00120 Wh (estimated, 4 W/core)");
  account.set_spin(0);
  EXPECT_EQ(summary(account, 4, kStart + 36s),
            "frozen 36 s of 36 s, saved 0 core-hours ≈ 0 Wh (estimated, 4 W/core)");
}

TEST(Summary, SaysIfThereIsNothingToCompareWith) {
  EXPECT_EQ(summary(some_day(), 4, kEnd),
            "frozen 20.0 h of 21.2 h; it was never idle, so there is nothing to compare with");
}

}  // namespace
}  // namespace halcyon::guard
