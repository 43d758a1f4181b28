#include "backend/cpu/thread_team.h"

#include <gmock/gmock.h>

#include <chrono>
#include <numeric>

#include "tests/support/support.h"

namespace halcyon::cpu {
namespace {

/// Works for about that long.
void burn(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(ThreadTeam, EveryThreadHasItsPart) {
  for (const int32_t size : {1, 2, 5}) {
    ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(size));
    EXPECT_EQ(team->size(), size);
    std::vector<int32_t> seen(static_cast<size_t>(size));
    team->run([&](Part part) {
      EXPECT_EQ(part.count, size);
      ++seen[static_cast<size_t>(part.index)];
    });
    EXPECT_THAT(seen, testing::Each(1));
  }
}

TEST(ThreadTeam, ABarrierLetsNobodyThroughBeforeAllAreThere) {
  for (const int32_t size : {2, 3, 5}) {
    ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(size));
    std::vector<int64_t> rounds(static_cast<size_t>(size));  // written by one thread each, read by all
    std::atomic<int64_t> wrong = 0;
    constexpr int64_t kRounds = 5000;
    team->run([&](Part part) {
      for (int64_t round = 1; round <= kRounds; ++round) {
        rounds[static_cast<size_t>(part.index)] = round;
        if (round % 250 == part.index)
          burn(std::chrono::microseconds(300));  // the others give up spinning and sleep
        team->barrier();
        for (const int64_t other : rounds) wrong += other != round;
        team->barrier();
      }
    });
    EXPECT_EQ(wrong, 0);
  }
}

TEST(ThreadTeam, RunsAgainAndAgainAndReturnsOnlyWhenAllHaveFinished) {
  ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(3));
  std::vector<int64_t> counts(3);
  for (int64_t i = 1; i <= 5000; ++i) {
    team->run([&](Part part) {
      if (i % 500 == 0 && part.index == 2) burn(std::chrono::microseconds(300));
      ++counts[static_cast<size_t>(part.index)];
    });
    ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), int64_t{0}), 3 * i);
  }
}

TEST(ThreadTeam, CanEndRightAfterARunOrWithoutAny) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(4));
    if (i % 2 == 0) team->run([](Part) {});
  }
}

TEST(Part, DividesWorkWithoutGapsOrOverlaps) {
  for (const int64_t n : {0, 1, 7, 16, 100}) {
    int64_t end = 0;
    for (int32_t i = 0; i < 7; ++i) {
      const auto range = Part{.index = i, .count = 7}.of(n);
      EXPECT_EQ(range.begin, end);
      EXPECT_LE(range.end - range.begin, n / 7 + 1);
      end = range.end;
    }
    EXPECT_EQ(end, n);
  }
}

}  // namespace
}  // namespace halcyon::cpu
