#include "backend/cpu/dealer.h"

#include <gmock/gmock.h>

#include <array>
#include <latch>
#include <thread>

#include "backend/cpu/thread_team.h"
#include "tests/support/support.h"

namespace halcyon::cpu {
namespace {

TEST(Dealer, GivesEveryPieceToOneThreadInEveryCall) {
  for (const int32_t threads : {1, 2, 3, 7}) {
    ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(threads));
    Dealer dealer(threads);
    for (const int64_t n : {0, 1, 2, 20, 3, 1000}) {
      std::vector<std::atomic<int>> taken(static_cast<size_t>(n));
      team->run(
          [&](Part part) { dealer.deal(n, part, [&](int64_t i) { ++taken[static_cast<size_t>(i)]; }); });
      for (const auto& times : taken) EXPECT_EQ(times, 1) << n << " pieces, " << threads << " threads";
    }
  }
}

TEST(Dealer, DoesNotWaitForAThreadThatIsBusy) {
  ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(2));
  Dealer dealer(2);
  std::atomic<int> others = 0;
  team->run([&](Part part) {
    dealer.deal(20, part, [&](int64_t i) {
      if (i > 0) {
        ++others;
        return;
      }
      while (others < 19) std::this_thread::yield();  // for ever, if one of the others were this thread's
    });
  });
  EXPECT_EQ(others, 19);
}

TEST(Dealer, AThreadBeginsWithItsOwnShareFromTheFront) {
  ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(3));
  Dealer dealer(3);
  std::array<int64_t, 3> first{-1, -1, -1};
  std::latch all_have_begun(3);  // before that nobody helps others
  team->run([&](Part part) {
    int64_t& mine = first[static_cast<size_t>(part.index)];
    dealer.deal(30, part, [&](int64_t i) {
      if (mine >= 0) return;
      mine = i;
      all_have_begun.arrive_and_wait();
    });
  });
  EXPECT_THAT(first, testing::ElementsAre(0, 10, 20));
}

}  // namespace
}  // namespace halcyon::cpu
