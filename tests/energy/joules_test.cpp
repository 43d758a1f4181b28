// Sums and shares of energy.
#include "energy/joules.h"

#include <gmock/gmock.h>

namespace halcyon::energy {
namespace {

using testing::DoubleEq;
using testing::Optional;

TEST(Joules, AddUp) {
  Joules sum;
  sum += {.gross = 10, .above_idle = 4};
  sum += {.gross = 5, .above_idle = 0};
  EXPECT_EQ(sum.gross, 15);
  EXPECT_THAT(sum.above_idle, Optional(4.0));
}

TEST(Joules, AnUnknownPartMakesTheSumUnknown) {
  Joules sum{.gross = 10, .above_idle = 4};
  sum += {.gross = 5, .above_idle = std::nullopt};
  EXPECT_EQ(sum.gross, 15);
  EXPECT_EQ(sum.above_idle, std::nullopt);
  sum += {.gross = 1, .above_idle = 1};
  EXPECT_EQ(sum.above_idle, std::nullopt);
}

TEST(Price, DividesAStepByTokens) {
  // One prompt of 6 tokens, and two requests that generate.
  const Joules step{.gross = 16, .above_idle = 8};
  const Work all{.prefill_tokens = 6, .decode_tokens = 2};
  Price prompt, writer;
  prompt.add(step, {.prefill_tokens = 6}, all);
  writer.add(step, {.decode_tokens = 1}, all);
  writer.add(step, {.decode_tokens = 1}, all);
  EXPECT_DOUBLE_EQ(prompt.prefill.gross, 12);
  EXPECT_THAT(prompt.prefill.above_idle, Optional(DoubleEq(6)));
  EXPECT_EQ(prompt.decode.gross, 0);
  EXPECT_DOUBLE_EQ(prompt.prefill.gross + writer.decode.gross, step.gross);
  EXPECT_THAT(writer.decode.above_idle, Optional(DoubleEq(2)));
}

TEST(Price, OfAStepWithoutTokensIsNothing) {
  Price price;
  price.add({.gross = 1, .above_idle = 1}, {}, {});
  EXPECT_EQ(price.decode.gross, 0);
}

}  // namespace
}  // namespace halcyon::energy
