#include <gmock/gmock.h>

#include "tests/program/samples.h"

namespace halcyon::program {
namespace {

TEST(Printer, WritesOneAlignedLinePerOp) {
  EXPECT_EQ(to_string(test::small_program()),
            "token_embd [T, 8]         = embed(token_embd.weight f32 {8, 20}, scale=1)\n"
            "blk.0.ffn_norm [T, 8]     = rms_norm(token_embd, blk.0.ffn_norm.weight f32 {8}, eps=1e-06)\n"
            "blk.0.ffn_gate [T, 12]    = matmul(blk.0.ffn_norm, blk.0.ffn_gate.weight f32 {8, 12})\n"
            "blk.0.ffn_up [T, 12]      = matmul(blk.0.ffn_norm, blk.0.ffn_up.weight f32 {8, 12})\n"
            "blk.0.ffn_act [T, 12]     = glu(blk.0.ffn_gate, blk.0.ffn_up, activation=0)\n"
            "blk.0.ffn_down [T, 8]     = matmul(blk.0.ffn_act, blk.0.ffn_down.weight f32 {12, 8})\n"
            "blk.0.ffn_residual [T, 8] = add(token_embd, blk.0.ffn_down)\n"
            "outputs [outputs, 8]      = outputs(blk.0.ffn_residual)\n"
            "logits [outputs, 20]      = matmul(outputs, token_embd.weight f32 {8, 20})\n");
}

TEST(Printer, AnOpWithTwoOutputsNamesBoth) {
  Builder b;
  const ValueId x = b.embed("token_embd", b.weight(test::weight("token_embd.weight", {8, 20, 1, 1})));
  const auto route = b.moe_route("moe", x, 2, Gating::softmax_selected);
  const Program program = *b.finish(b.outputs("outputs", route.weights));
  EXPECT_THAT(to_string(program),
              ::testing::HasSubstr("moe_ids [T, 2], moe_weights [T, 2] = moe_route(token_embd, gating=1)\n"));
}

TEST(Printer, ShapesHaveNoTrailingOnes) {
  EXPECT_EQ(to_string(std::array<int64_t, 4>{256, 512, 1, 1}), "{256, 512}");
  EXPECT_EQ(to_string(std::array<int64_t, 4>{1, 1, 1, 1}), "{1}");
  EXPECT_EQ(to_string(std::array<int64_t, 4>{4, 1, 3, 1}), "{4, 1, 3}");
}

}  // namespace
}  // namespace halcyon::program
