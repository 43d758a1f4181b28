#include "report/format.h"

#include <gmock/gmock.h>

namespace halcyon::report {
namespace {

TEST(Format, ThreeDigitsCount) {
  for (const auto& [value, text] : {std::pair(0.0, "0"),
                                    {0.00123456, "0.00123"},
                                    {0.14121, "0.141"},
                                    {1.0371, "1.04"},
                                    {9.996, "10.0"},
                                    {48.21, "48.2"},
                                    {99.96, "100"},
                                    {354.09, "354"},
                                    {98123, "98,123"},
                                    {2510000, "2,510,000"},
                                    {-1234.5, "−1,234"},
                                    {1e-9, "0.000000"},
                                    {-1e-9, "0.000000"}})
    EXPECT_EQ(digits(value), text);
}

TEST(Format, ADeviationHasTheDecimalsOfItsFigure) {
  EXPECT_EQ(digits(48.21, 16.39), "48.2 ± 16.4");
  EXPECT_EQ(digits(354.09, 15.72), "354 ± 16");
  EXPECT_EQ(digits(36.2, std::nullopt), "36.2");
  EXPECT_EQ(digits(0, 0.25), "0.000 ± 0.250");
}

TEST(Format, Bytes) {
  EXPECT_EQ(in_bytes(0), "0 bytes");
  EXPECT_EQ(in_bytes(999), "999 bytes");
  EXPECT_EQ(in_bytes(454'000'000), "433 MiB");
  EXPECT_EQ(in_bytes(98123ull << 20), "95.8 GiB");
  EXPECT_EQ(in_bytes(UINT64_MAX), "16,777,216 TiB");
}

TEST(Format, Changes) {
  EXPECT_EQ(in_change(100, 112), "+12.0 %");
  EXPECT_EQ(in_change(100, 96.6), "−3.40 %");
  EXPECT_EQ(in_change(100, 320), "×3.20");
  EXPECT_EQ(in_change(5, 5), "0 %");
  EXPECT_EQ(in_change(0, 5), "");  // no percentage says that
  EXPECT_EQ(in_change(-1, 5), "");
}

TEST(Format, WidthIsInCharacters) { EXPECT_EQ(width_of("± ≤"), 3u); }

}  // namespace
}  // namespace halcyon::report
