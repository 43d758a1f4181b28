// Llama (arXiv:2302.13971) and its close relatives: pre-norm blocks of softmax attention and a gated FFN or
// experts.
#include <cmath>

#include "model/architectures.h"

namespace halcyon::model {
namespace {

struct Variant {
  RopePairs rope_pairs = RopePairs::half_split;
  bool qk_norm = false;      // queries and keys are normalised, head by head
  Bias bias = Bias::absent;  // of attn_output and the FFN
  Bias head_bias = Bias::absent;
  int32_t n_ff_exp = 0;  // size of an expert; 0: a dense FFN
};

Result<ValueId> forward(Layers& m, const Variant& variant) {
  const Config& c = m.config;
  CHECK_OK(check_full_rope(c));
  const int32_t rope = m.builder.rope_table(rope_table(c.rope, variant.rope_pairs));
  const float scale = 1 / std::sqrt(static_cast<float>(c.head_dim));

  ValueId x = m.embed();
  for (int32_t i = 0; i < c.n_layer; i++) {
    const auto layer = static_cast<size_t>(i);
    m.block(i);
    ValueId h = m.norm("attn_norm", x, c.n_embd);
    auto [q, k, v] = m.qkv(h, i);
    if (variant.qk_norm) {
      q = m.norm("attn_q_norm", q, c.head_dim);
      k = m.norm("attn_k_norm", k, c.head_dim);
    }
    q = m.builder.rope("q_rope", q, c.head_dim, rope);
    k = m.builder.rope("k_rope", k, c.head_dim, rope);
    h = m.builder.attention("attn", q, k, v,
                            {.n_head = c.n_head[layer], .n_head_kv = c.n_head_kv[layer], .scale = scale});
    h = m.attn_output(h, i, variant.bias);
    x = m.builder.add("attn_residual", x, h);

    h = m.norm("ffn_norm", x, c.n_embd);
    h = variant.n_ff_exp > 0 ? m.moe(h, {.n_ff = variant.n_ff_exp})
                             : m.ffn(h, c.n_ff[layer], Activation::silu, variant.bias);
    x = m.builder.add("ffn_residual", x, h);
  }
  return m.head(x, variant.head_bias);
}

}  // namespace

Result<ValueId> llama(const Keys&, Layers& m) {
  Variant variant{.rope_pairs = RopePairs::interleaved, .bias = Bias::optional};
  if (m.config.n_expert > 0)
    variant.n_ff_exp = m.config.n_ff[0];  // Mixtral (arXiv:2401.04088): no key of its own
  return forward(m, variant);
}

Result<ValueId> qwen2(const Keys&, Layers& m) {
  const Config& c = m.config;
  for (const int32_t n_head : c.n_head) {
    if (n_head * c.head_dim != c.n_embd) {
      return fail("qwen2.attention.key_length: is {} for {} heads, expected to fill the embedding_length {}",
                  c.head_dim, n_head, c.n_embd);
    }
  }
  return forward(m, {.bias = Bias::optional, .head_bias = Bias::optional});
}

Result<ValueId> qwen3(const Keys&, Layers& m) { return forward(m, {.qk_norm = true}); }

Result<ValueId> qwen3moe(const Keys& keys, Layers& m) {
  TRY(const int32_t n_ff_exp, read_expert_n_ff(keys, m.config));
  return forward(m, {.qk_norm = true, .n_ff_exp = n_ff_exp});
}

}  // namespace halcyon::model
