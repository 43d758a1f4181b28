// gpt-oss (arXiv:2508.10925): experts in every block, attention sinks, a window in every other block, biases
// everywhere.
#include <cmath>

#include "model/architectures.h"

namespace halcyon::model {

Result<ValueId> gpt_oss(const Keys& keys, Layers& m) {
  const Config& c = m.config;
  CHECK_OK(check_full_rope(c));
  TRY(const int32_t n_ff_exp, read_expert_n_ff(keys, c));
  TRY(const int32_t n_swa, keys.integer("attention.sliding_window", {0, kPositions.max}));
  TRY(const int32_t period, read_window_period(keys, 2));

  RopeConfig near = c.rope;
  TRY(near.freq_base, keys.number_or("rope.freq_base_swa", static_cast<float>(c.rope.freq_base), kRopeBase));
  const int32_t rope_swa = m.builder.rope_table(rope_table(near, RopePairs::half_split));
  const int32_t rope_full = m.builder.rope_table(rope_table(c.rope, RopePairs::half_split));

  ValueId x = m.embed();
  for (int32_t i = 0; i < c.n_layer; i++) {
    const auto layer = static_cast<size_t>(i);
    const bool windowed = n_swa > 0 && has_window(i, period);
    const int32_t rope = windowed ? rope_swa : rope_full;
    const int32_t n_head = c.n_head[layer];

    m.block(i);
    ValueId h = m.norm("attn_norm", x, c.n_embd);
    auto [q, k, v] = m.qkv(h, i, Bias::required);
    q = m.builder.rope("q_rope", q, c.head_dim, rope);
    k = m.builder.rope("k_rope", k, c.head_dim, rope);
    h = m.builder.attention("attn", q, k, v,
                            {.n_head = n_head,
                             .n_head_kv = c.n_head_kv[layer],
                             .scale = 1 / std::sqrt(static_cast<float>(c.head_dim)),
                             .window = windowed ? n_swa : 0,
                             .sinks = m.weights.required("attn_sinks.weight", n_head)});
    h = m.attn_output(h, i, Bias::required);
    x = m.builder.add("attn_residual", x, h);

    h = m.norm("post_attention_norm", x, c.n_embd);
    h = m.moe(h, {.n_ff = n_ff_exp,
                  .gating = Gating::softmax_selected,
                  .activation = Activation::swiglu_oai,
                  .bias = Bias::required});
    x = m.builder.add("ffn_residual", x, h);
  }
  return m.head(x);
}

}  // namespace halcyon::model
