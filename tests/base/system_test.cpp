#include "base/system.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <cstring>

namespace halcyon {
namespace {

constexpr size_t kBlock = 64 << 20;

/// Takes that much memory and gives it back.
void take_and_give_back() {
  void* block = mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(block, MAP_FAILED);
  std::memset(block, 1, kBlock);
  munmap(block, kBlock);
}

TEST(PeakMemory, StaysUntilItIsForgotten) {
  const std::optional<uint64_t> before = peak_memory();
  if (!before) GTEST_SKIP() << "no /proc/self/status";
  take_and_give_back();
  const uint64_t peak = *peak_memory();
  EXPECT_GE(peak, kBlock);
  EXPECT_GE(peak, *before);
  if (!forget_peak_memory()) GTEST_SKIP() << "the peak can't be reset here";
  EXPECT_LT(*peak_memory(), peak - kBlock / 2);
}

TEST(KernelName, HasNameAndRelease) { EXPECT_THAT(kernel_name(), testing::MatchesRegex("[A-Za-z]+ .+")); }

}  // namespace
}  // namespace halcyon
