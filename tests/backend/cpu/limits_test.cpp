// The loops that find out what the processor can do: that they run, and that each counts what it does.
#include "backend/cpu/limits.h"

#include <gmock/gmock.h>

#include "backend/cpu/kernels.h"
#include "backend/cpu/measure_limits.h"
#include "tests/support/support.h"

namespace halcyon::cpu {
namespace {

using testing::HasSubstr;

TEST(Limits, EveryIsaHasThemAll) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
    if (!is_supported(isa)) continue;
    ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(2));
    ASSERT_OK_AND_ASSIGN(const backend::Limits limits, measure_limits(*kernels(isa).limits, *team, 0.01));
    EXPECT_GT(limits.read.per_second, 0);
    EXPECT_GT(limits.int8_macs.per_second, 0);
    EXPECT_GT(limits.float_macs.per_second, 0);
    EXPECT_THAT(limits.read.how, HasSubstr("stream"));
    EXPECT_THAT(limits.float_macs.how, HasSubstr("sums"));
    if (isa != Isa::avx512) {
      EXPECT_FALSE(limits.bf16_macs);
    }
  }
}

TEST(Limits, TheBufferIsLargerThanCaches) {
  ASSERT_OK_AND_ASSIGN(const auto team, ThreadTeam::create(1));
  ASSERT_OK_AND_ASSIGN(const Pages buffer, read_buffer(*team));
  EXPECT_GE(buffer.size(), uint64_t{256} << 20);
}

}  // namespace
}  // namespace halcyon::cpu
