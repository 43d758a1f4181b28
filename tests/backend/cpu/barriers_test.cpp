#include "backend/cpu/barriers.h"

#include <gmock/gmock.h>

namespace halcyon::cpu {
namespace {

const std::byte memory[100] = {};

Range bytes(int begin, int end) { return {memory + begin, memory + end}; }

TEST(Barriers, ACallThatTouchesNothingOfTheOthersDoesNotWait) {
  Barriers barriers;
  EXPECT_FALSE(barriers.before({bytes(0, 10)}, {bytes(10, 20)}, {}));
  EXPECT_FALSE(barriers.before({bytes(0, 10)}, {bytes(20, 30)}, {}));
}

TEST(Barriers, WhatOthersWriteIsWaitedFor) {
  Barriers barriers;
  EXPECT_FALSE(barriers.before({}, {bytes(0, 10)}, {}));
  EXPECT_TRUE(barriers.before({bytes(9, 20)}, {bytes(20, 30)}, {}));
  EXPECT_FALSE(barriers.before({bytes(9, 20)}, {bytes(30, 40)}, {}));  // the barrier was there already
}

TEST(Barriers, WhatOthersReadIsNotOverwritten) {
  Barriers barriers;
  EXPECT_FALSE(barriers.before({bytes(0, 10)}, {bytes(10, 20)}, {}));
  EXPECT_TRUE(barriers.before({}, {bytes(5, 8)}, {}));
}

TEST(Barriers, CallsThatDivideTheSameRangeAlikeDoNotWaitForEachOther) {
  Barriers barriers;
  EXPECT_FALSE(barriers.before({bytes(0, 10)}, {bytes(10, 20)}, {.units = 4}));
  EXPECT_FALSE(barriers.before({bytes(10, 20)}, {bytes(0, 10)}, {.units = 4}));
}

TEST(Barriers, ButThoseThatDivideItOtherwiseOrTouchItShiftedDo) {
  const auto second = [](Range range, Division division) {
    Barriers barriers;
    EXPECT_FALSE(barriers.before({}, {bytes(10, 20)}, {.units = 4}));
    return barriers.before({range}, {bytes(30, 40)}, division);
  };
  EXPECT_TRUE(second(bytes(10, 20), {.units = 2}));
  EXPECT_TRUE(second(bytes(10, 20), {.units = 4, .of_outputs = true}));
  EXPECT_TRUE(second(bytes(10, 20), {}));
  EXPECT_TRUE(second(bytes(10, 18), {.units = 4}));
  EXPECT_FALSE(second(bytes(10, 20), {.units = 4}));
}

TEST(Barriers, AChainStillWaitsForItsFirstLink) {
  Barriers barriers;
  EXPECT_FALSE(barriers.before({}, {bytes(0, 10)}, {.units = 4}));
  EXPECT_FALSE(barriers.before({bytes(0, 10)}, {bytes(10, 20)}, {.units = 4}));
  EXPECT_TRUE(barriers.before({bytes(0, 10)}, {bytes(20, 30)}, {.units = 1}));
}

TEST(Barriers, KnowTheDivisionOfTheWriterUntilTheNextBarrier) {
  Barriers barriers;
  barriers.before({}, {bytes(0, 10)}, {.units = 4});
  EXPECT_EQ(barriers.of_writer(bytes(0, 10)).units, 4);
  EXPECT_EQ(barriers.of_writer(bytes(0, 8)).units, 0);
  barriers.before({bytes(0, 10)}, {bytes(10, 20)}, {});
  EXPECT_EQ(barriers.of_writer(bytes(0, 10)).units, 0);
}

}  // namespace
}  // namespace halcyon::cpu
