#include "program/builder.h"

#include <gmock/gmock.h>

#include "tests/program/samples.h"
#include "tests/support/support.h"

namespace halcyon::program {
namespace {

using test::weight;
using ::testing::HasSubstr;

class BuilderTest : public ::testing::Test {
 protected:
  WeightId matrix(const char* name, int64_t n_in, int64_t n_out, quant::Type type = quant::Type::f32) {
    return b.weight(weight(name, {n_in, n_out, 1, 1}, type));
  }
  WeightId vector(const char* name, int64_t n, quant::Type type = quant::Type::f32) {
    return b.weight(weight(name, {n, 1, 1, 1}, type));
  }
  Result<Program> finish(ValueId last) { return b.finish(b.outputs("outputs", last)); }

  Builder b;
  ValueId x = b.embed("token_embd", matrix("token_embd.weight", 64, 100));
};

TEST_F(BuilderTest, WritesOpsInTheOrderOfTheRecipe) {
  const Program program = test::small_program();
  EXPECT_EQ(program.ops.size(), 9u);
  EXPECT_EQ(program.n_vocab, 20);
  EXPECT_EQ(program.values[static_cast<size_t>(program.logits)].rows, Rows::outputs);
  EXPECT_TRUE(std::holds_alternative<Embed>(program.ops.front()));
  EXPECT_EQ(std::get<RmsNorm>(program.ops[1]).eps, 1e-6f);
}

TEST_F(BuilderTest, TheSameWeightOrTableTwiceIsStoredOnce) {
  EXPECT_EQ(matrix("token_embd.weight", 64, 100), 0);
  EXPECT_EQ(vector("output_norm.weight", 64), 1);
  EXPECT_EQ(b.rope_table({.frequency = {1, 0.5}}), b.rope_table({.frequency = {1, 0.5}}));
  EXPECT_NE(b.rope_table({.frequency = {1, 0.5}}), b.rope_table({.frequency = {1, 0.25}}));
}

TEST_F(BuilderTest, AShapeThatDoesNotFitIsNamedWithTheExpectedOne) {
  b.block(3);
  EXPECT_ERROR(finish(b.matmul("attn_q", x, matrix("blk.3.attn_q.weight", 128, 64))),
               "blk.3.attn_q: blk.3.attn_q.weight has shape {128, 64}, expected {64, 64}");
}

TEST_F(BuilderTest, TheFirstMistakeIsTheOneReported) {
  const ValueId bad = b.add("first", x, b.slice("half", x, 64, 0, 32));
  EXPECT_ERROR(finish(b.sigmoid("second", bad)),
               HasSubstr("first: token_embd has width 64 and half has width 32"));
}

TEST_F(BuilderTest, ARecipeCanRejectWhatItFinds) {
  b.reject({"blk.0.attn_q.weight: not in the file"});
  EXPECT_ERROR(finish(b.matmul("attn_q", x, none)), "blk.0.attn_q.weight: not in the file");
}

TEST_F(BuilderTest, VectorsMustBeFloat32) {
  EXPECT_ERROR(finish(b.rms_norm("norm", x, vector("norm.weight", 64, quant::Type::f16), 1e-6f)),
               HasSubstr("norm.weight has type f16, expected f32"));
}

TEST_F(BuilderTest, MatricesMustHaveADecodableType) {
  EXPECT_ERROR(finish(b.matmul("m", x, matrix("m.weight", 64, 8, quant::Type::i32))),
               HasSubstr("m.weight has type i32, which Halcyon cannot run"));
}

TEST_F(BuilderTest, NormsWorkHeadByHead) {
  ASSERT_OK(finish(b.rms_norm("norm", x, vector("q_norm.weight", 16), 1e-6f)));
  b = {};
  x = b.embed("token_embd", matrix("token_embd.weight", 64, 100));
  EXPECT_ERROR(finish(b.rms_norm("norm", x, vector("q_norm.weight", 24), 1e-6f)),
               HasSubstr("not a multiple of the 24"));
}

TEST_F(BuilderTest, BiasAndScaleAreChecked) {
  EXPECT_ERROR(finish(b.matmul("m", x, matrix("m.weight", 64, 8), vector("m.scale", 2))),
               HasSubstr("m.scale has shape {2}, expected {1}"));
  b = {};
  x = b.embed("token_embd", matrix("token_embd.weight", 64, 100));
  EXPECT_ERROR(finish(b.matmul("m", x, matrix("m.weight", 64, 8), none, vector("m.bias", 9))),
               HasSubstr("m.bias has shape {9}, expected {8}"));
}

TEST_F(BuilderTest, AttentionHeadsMustShareEvenly) {
  const ValueId kv = b.slice("kv", x, 64, 0, 48);
  EXPECT_ERROR(finish(b.attention("attn", x, kv, kv, {.n_head = 4, .n_head_kv = 3})),
               HasSubstr("4 query heads cannot share 3"));
}

TEST_F(BuilderTest, EachAttentionGetsItsOwnCache) {
  const ValueId kv = b.slice("kv", x, 64, 0, 32);
  const ValueId y = b.attention("attn", x, kv, kv, {.n_head = 4, .n_head_kv = 2});
  ASSERT_OK_AND_ASSIGN(const Program program,
                       finish(b.attention("attn", y, x, x, {.n_head = 2, .n_head_kv = 2})));
  ASSERT_EQ(program.kv_caches.size(), 2u);
  EXPECT_EQ(program.kv_caches[0].n_head_kv, 2);
  EXPECT_EQ(program.kv_caches[0].head_dim, 16);
  EXPECT_EQ(program.kv_caches[1].head_dim, 32);
}

TEST_F(BuilderTest, ExpertsHaveOneRowPerSlot) {
  const auto route =
      b.moe_route("moe", b.matmul("inp", x, matrix("inp.weight", 64, 6)), 2, Gating::softmax_all);
  const ValueId up = b.moe_matmul("up", x, route.ids, b.weight(weight("up.weight", {64, 10, 6, 1})));
  const ValueId down = b.moe_matmul("down", up, route.ids, b.weight(weight("down.weight", {10, 64, 6, 1})));
  ASSERT_OK_AND_ASSIGN(const Program program, finish(b.moe_combine("out", down, route.weights)));
  EXPECT_EQ(program.values[static_cast<size_t>(up)].width, 20);
  EXPECT_EQ(program.values[static_cast<size_t>(down)].width, 128);
  EXPECT_EQ(program.values[static_cast<size_t>(program.logits)].width, 64);
}

TEST_F(BuilderTest, UsingMoreExpertsThanThereAreIsRefused) {
  const auto route = b.moe_route("moe", x, 65, Gating::softmax_all);
  EXPECT_ERROR(finish(route.weights), HasSubstr("moe: uses 65 of 64 experts"));
}

TEST_F(BuilderTest, OutputsComeAfterAllThatNeedsTheWholeSequence) {
  const ValueId last = b.outputs("outputs", x);
  EXPECT_ERROR(finish(b.attention("attn", last, last, last, {.n_head = 1, .n_head_kv = 1})),
               HasSubstr("attn: outputs must have a row for every token"));
}

TEST_F(BuilderTest, LogitsMustBeOutputs) {
  EXPECT_ERROR(b.finish(x), HasSubstr("token_embd must have a row for every wanted output"));
}

struct EveryOp {
  void run(const auto&) {}
};
struct OnlyAdd {
  void run(const Add&) {}
};
static_assert(ImplementsEveryOp<EveryOp>);
static_assert(!ImplementsEveryOp<OnlyAdd>);

}  // namespace
}  // namespace halcyon::program
