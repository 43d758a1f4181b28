// Weights without data, and a small program, for tests that only look at shapes.
#pragma once

#include "program/builder.h"

namespace halcyon::program::test {

inline Weight weight(std::string name, std::array<int64_t, 4> ne, quant::Type type = quant::Type::f32) {
  return {.name = std::move(name), .type = type, .ne = ne, .offset = 0, .size = 0, .source = nullptr};
}

/// One block of a feed-forward network without attention: 8 wide, 12 inside, 20 tokens in the vocabulary.
inline Program small_program() {
  Builder b;
  const WeightId table = b.weight(weight("token_embd.weight", {8, 20, 1, 1}));
  ValueId x = b.embed("token_embd", table);
  b.block(0);
  const ValueId norm =
      b.rms_norm("ffn_norm", x, b.weight(weight("blk.0.ffn_norm.weight", {8, 1, 1, 1})), 1e-6f);
  const ValueId gate = b.matmul("ffn_gate", norm, b.weight(weight("blk.0.ffn_gate.weight", {8, 12, 1, 1})));
  const ValueId up = b.matmul("ffn_up", norm, b.weight(weight("blk.0.ffn_up.weight", {8, 12, 1, 1})));
  const ValueId act = b.glu("ffn_act", gate, up, Activation::silu);
  const ValueId down = b.matmul("ffn_down", act, b.weight(weight("blk.0.ffn_down.weight", {12, 8, 1, 1})));
  x = b.add("ffn_residual", x, down);
  b.no_block();
  return *b.finish(b.matmul("logits", b.outputs("outputs", x), table));
}

}  // namespace halcyon::program::test
