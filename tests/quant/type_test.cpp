#include "quant/type.h"

#include <gmock/gmock.h>

namespace halcyon::quant {
namespace {

TEST(Types, RetiredAndUnknownIdsAreNone) {
  for (const int id : {-1, 4, 5, 31, 32, 33, 36, 37, 38, 42, 99, 105, 106, 108, 1 << 30, INT32_MIN})
    EXPECT_EQ(find_traits(id), nullptr) << id;
}

TEST(Types, EveryOtherIdUpTo107IsOne) {
  int known = 0;
  for (int id = 0; id <= 107; ++id) {
    const Traits* t = find_traits(id);
    if (!t) continue;
    ++known;
    EXPECT_EQ(static_cast<int>(t->type), id);
    EXPECT_EQ(&traits(t->type), t);
    EXPECT_FALSE(t->name.empty());
    EXPECT_GT(t->block, 0u);
    EXPECT_GT(t->bytes, 0u);
  }
  EXPECT_EQ(known, 40);
}

TEST(Types, TheDecodableOnes) {
  std::vector<std::string_view> names;
  for (int id = 0; id <= 107; ++id)
    if (const Traits* t = find_traits(id); t && t->decode) names.push_back(t->name);
  EXPECT_THAT(names, testing::ElementsAre("f32", "f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_K",
                                          "q3_K", "q4_K", "q5_K", "q6_K", "iq4_nl", "iq4_xs", "bf16", "mxfp4",
                                          "nvfp4", "q4_0_rocmfp4", "q4_0_rocmfp4_fast", "q6_0_rocmfpx",
                                          "q8_0_rocmfpx", "q3_0_rocmfpx", "q2_0_rocmfpx"));
}

TEST(Types, BytesOfARow) {
  EXPECT_EQ(row_bytes(Type::f32, 10), 40u);
  EXPECT_EQ(row_bytes(Type::q4_K, 4096), 4096u / 256 * 144);
  EXPECT_EQ(row_bytes(Type::q4_0_rocmfp4_fast, 64), 34u);
}

}  // namespace
}  // namespace halcyon::quant
