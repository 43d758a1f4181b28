#include "model/rope.h"

#include <gmock/gmock.h>

namespace halcyon::model {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

TEST(Rope, FrequenciesFallFromOneByPowersOfTheBase) {
  const auto table = rope_table({.n_rot = 8, .freq_base = 10000}, RopePairs::interleaved);
  EXPECT_THAT(table.frequency,
              ElementsAre(1.0, DoubleNear(0.1, 1e-15), DoubleNear(0.01, 1e-15), DoubleNear(0.001, 1e-15)));
  EXPECT_TRUE(table.interleaved);
  EXPECT_EQ(table.magnitude, 1);
}

TEST(Rope, LinearScalingSlowsAllPairs) {
  const auto table = rope_table({.n_rot = 4, .freq_base = 100, .factor = 4}, RopePairs::half_split);
  EXPECT_THAT(table.frequency, ElementsAre(0.25, DoubleNear(0.025, 1e-15)));
  EXPECT_FALSE(table.interleaved);
}

TEST(Rope, YarnKeepsFastPairsAndSlowsThoseThatNeverTurnOnce) {
  const RopeConfig plain{.n_rot = 64, .freq_base = 150000};
  RopeConfig yarn = plain;
  yarn.scaling = RopeScaling::yarn;
  yarn.factor = 32;
  yarn.n_ctx_orig = 4096;
  const auto scaled = rope_table(yarn, RopePairs::half_split),
             unscaled = rope_table(plain, RopePairs::half_split);
  EXPECT_EQ(scaled.frequency.front(), 1);
  EXPECT_DOUBLE_EQ(scaled.frequency.back(), unscaled.frequency.back() / 32);
  EXPECT_NEAR(scaled.magnitude, 1.34657, 1e-5);  // of gpt-oss: 1 + 0.1 ln 32
}

TEST(Rope, DivisorsAndAttnFactorAreApplied) {
  const auto table = rope_table({.n_rot = 4, .freq_base = 100, .attn_factor = 1.5, .divisors = {1, 2}},
                                RopePairs::half_split);
  EXPECT_THAT(table.frequency, ElementsAre(1, DoubleNear(0.05, 1e-15)));
  EXPECT_EQ(table.magnitude, 1.5);
}

TEST(Rope, TextTurnsAllPairsOfTheUsualSections) {
  const RopeConfig rope{.n_rot = 64, .freq_base = 1e7};
  EXPECT_EQ(imrope_table_for_text(rope, {11, 11, 10, 0}), rope_table(rope, RopePairs::half_split));
}

TEST(Rope, PairsOfTheFourthStreamDoNotTurnInText) {
  const auto table = imrope_table_for_text({.n_rot = 16, .freq_base = 100}, {2, 1, 1, 4});
  for (size_t j = 0; j < 8; j++) {
    const bool turns = j == 0 || j == 1 || j == 2 || j == 3;  // t, h, w, t
    EXPECT_EQ(table.frequency[j] != 0, turns) << "pair " << j;
  }
}

}  // namespace
}  // namespace halcyon::model
