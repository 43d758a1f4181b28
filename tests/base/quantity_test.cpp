#include "base/quantity.h"

#include <gmock/gmock.h>

namespace halcyon {
namespace {

using namespace std::chrono_literals;
using testing::Optional;

TEST(Duration, IsWrittenWithUnitsOrInSeconds) {
  EXPECT_THAT(parse_duration("500ms"), Optional(500ms));
  EXPECT_THAT(parse_duration("5s"), Optional(5000ms));
  EXPECT_THAT(parse_duration("1h30m"), Optional(90min));
  EXPECT_THAT(parse_duration("1.5s"), Optional(1500ms));
  EXPECT_THAT(parse_duration("2d"), Optional(48h));
  EXPECT_THAT(parse_duration("0.5"), Optional(500ms));
  EXPECT_THAT(parse_duration("0"), Optional(0ms));
}

TEST(Duration, NothingElseIsOne) {
  for (const char* text : {"", "s", "-1", "-5s", "5x", "5 s", "1h30", "1e9", "nan", "inf", "367d", "1..5s",
                           ".", "+5s", "99999999999999999999d", "5sm"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Duration, IsShownAsItIsWritten) {
  for (const char* text : {"0s", "500ms", "5s", "1h30m", "1s250ms", "2d"})
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
}

TEST(Bytes, AreWrittenWithUnitsOrBare) {
  EXPECT_THAT(parse_bytes("32M"), Optional(32 << 20));
  EXPECT_THAT(parse_bytes("1G"), Optional(1 << 30));
  EXPECT_THAT(parse_bytes("1000"), Optional(1000));
  for (const char* text : {"", "M", "-1", "1T", "32MB", "1e6", "1G1M", "9999999999999G"})
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  EXPECT_EQ(format_bytes(32 << 20), "32M");
  EXPECT_EQ(format_bytes(1000), "1000");
  EXPECT_EQ(format_bytes(0), "0");
}

}  // namespace
}  // namespace halcyon
