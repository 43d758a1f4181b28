#include "devices/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace halcyon::devices {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(DevicesText, ReadsKeysAndValues) {
  EXPECT_THAT(key_values("MemTotal:  12 kB\n\nno separator\n a\t: b : c \n", ':'),
              ElementsAre(Pair("MemTotal", "12 kB"), Pair("a", "b : c")));
  EXPECT_THAT(key_values("simd_count 80\nlone\n", ' '), ElementsAre(Pair("simd_count", "80")));
  EXPECT_THAT(key_values("A=\n=b", '='), ElementsAre(Pair("A", ""), Pair("", "b")));
  EXPECT_THAT(key_values("", ':'), IsEmpty());
}

TEST(DevicesText, ComparesVersions) {
  for (const auto& [older, newer] : {std::pair("6.18.4", "6.18.10"),
                                     {"6.9", "6.18"},
                                     {"7.2", "7.2.1"},
                                     {"6.18-rc3", "6.18.1"},
                                     {"1.18.70200", "1.21"},
                                     {"20251111", "20251125-1"},
                                     {"", "0.1"},
                                     {"99999999999999999999", "100000000000000000000"}}) {
    EXPECT_TRUE(is_older(older, newer)) << older << " " << newer;
    EXPECT_FALSE(is_older(newer, older)) << older << " " << newer;
  }
  EXPECT_FALSE(is_older("6.18.4", "6.18.4"));
  EXPECT_FALSE(is_older("6.18.04", "6.18.4"));
  EXPECT_FALSE(is_older("6.18.4-amd64", "6.18.4"));
}

}  // namespace
}  // namespace halcyon::devices
