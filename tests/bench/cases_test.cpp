#include "bench/cases.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const Group& group) {
  std::vector<std::string> out;
  for (const Case& c : group.cases) out.push_back(name_of(c));
  return out;
}

TEST(Cases, AreCalledAsInLlamaBench) {
  EXPECT_EQ(name_of({.kind = Case::Kind::prefill, .n_tokens = 512}), "pp512");
  EXPECT_EQ(name_of({.kind = Case::Kind::decode, .n_tokens = 128, .depth = 4096}), "tg128 @ d4096");
  EXPECT_EQ(name_of({.kind = Case::Kind::decode, .n_tokens = 128, .depth = 64, .n_parallel = 8}),
            "tg128 ×8 @ d64");
}

TEST(CrossProduct, HasEveryCombinationInTheOrderOfTheLists) {
  const Lists lists = {.n_models = 2,
                       .kv = {backend::KvType::f16, backend::KvType::q8_0},
                       .isa = {"avx2"},
                       .threads = {1, 2},
                       .prompt = {16, 128},
                       .generate = {4},
                       .depth = {0, 64},
                       .parallel = {1, 2}};
  ASSERT_OK_AND_ASSIGN(const std::vector<Group> groups, cross_product(lists));
  ASSERT_EQ(groups.size(), 8u);
  for (const Group& group : groups)
    EXPECT_THAT(names(group),
                ElementsAre("pp16", "pp128", "tg4", "pp16 ×2", "pp128 ×2", "tg4 ×2", "pp16 @ d64",
                            "pp128 @ d64", "tg4 @ d64", "pp16 ×2 @ d64", "pp128 ×2 @ d64", "tg4 ×2 @ d64"));
  EXPECT_EQ(groups[1].setup.threads, 2);
  EXPECT_EQ(groups[2].setup.kv, backend::KvType::q8_0);
  EXPECT_EQ(groups[4].setup.model, 1u);
}

TEST(CrossProduct, ZeroLeavesAKindOut) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Group> groups,
                       cross_product({.isa = {"avx2"}, .threads = {1}, .prompt = {0, 8}, .generate = {0}}));
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_THAT(names(groups[0]), ElementsAre("pp8"));
  EXPECT_ERROR(cross_product({.isa = {"avx2"}, .threads = {1}, .prompt = {0}, .generate = {0}}),
               HasSubstr("nothing to measure"));
}

TEST(CrossProduct, IsBounded) {
  const std::vector<int32_t> many(1000, 1);
  EXPECT_ERROR(cross_product({.isa = {"avx2"}, .threads = many, .depth = many, .parallel = many}),
               HasSubstr("10000 are the most"));
}

}  // namespace
}  // namespace halcyon::bench
