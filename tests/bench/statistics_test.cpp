#include "bench/statistics.h"

#include <gmock/gmock.h>

#include <vector>

namespace halcyon::bench {
namespace {

TEST(Statistics, TheMedianIsTheMiddleOne) {
  EXPECT_EQ(statistics(std::vector<double>{5, 1, 3}).median, 3);
  EXPECT_EQ(statistics(std::vector<double>{7, 1, 3, 5}).median, 4);
}

TEST(Statistics, TheDeviationIsThatOfASample) {
  const Statistics s = statistics(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(s.mean, 5);
  EXPECT_DOUBLE_EQ(s.deviation * s.deviation, 32.0 / 7);
}

TEST(Statistics, OneValueHasNoDeviation) {
  const Statistics s = statistics(std::vector<double>{3});
  EXPECT_EQ(s.median, 3);
  EXPECT_EQ(s.mean, 3);
  EXPECT_EQ(s.deviation, 0);
}

}  // namespace
}  // namespace halcyon::bench
