#include "devices/bandwidth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/system.h"
#include "tests/support/support.h"

namespace halcyon::devices {
namespace {

using testing::Each;
using testing::Gt;
using testing::HasSubstr;

TEST(Bandwidth, IsTheMedianOfRunsOverMoreThanTheCache) {
  if (available_memory() < 2ull << 30) GTEST_SKIP() << "less than 2 GiB of memory are available";
  constexpr uint64_t kCache = 80 << 20;
  ASSERT_OK_AND_ASSIGN(const Bandwidth found, measure_read_bandwidth(kCache));
  EXPECT_GE(found.bytes, 4 * kCache);
  EXPECT_EQ(found.threads, available_cores());
  EXPECT_EQ(found.runs.size(), 9u);
  EXPECT_THAT(found.runs, Each(Gt(1e6)));
  std::vector<double> sorted = found.runs;
  std::ranges::sort(sorted);
  EXPECT_EQ(found.bytes_per_second, sorted[4]);
}

TEST(Bandwidth, WithoutTheMemoryForItSaysSo) {
  EXPECT_ERROR(measure_read_bandwidth(uint64_t{1} << 50), HasSubstr("are available"));
}

}  // namespace
}  // namespace halcyon::devices
