// Gemma 3 (arXiv:2503.19786): norms before and after each layer, GEGLU, and windowed attention in five of six
// blocks.
#include <cmath>

#include "model/architectures.h"

namespace halcyon::model {

Result<ValueId> gemma3(const Keys& keys, Layers& m) {
  const Config& c = m.config;
  TRY(const int32_t n_swa, keys.integer_or("attention.sliding_window", 0, {0, kPositions.max}));
  TRY(const int32_t period, read_window_period(keys, 6));
  TRY(const float softcap, keys.number_or("final_logit_softcapping", 0, {0, 1e6}));

  // Blocks with a window see only near positions: their angles have a base of their own and are never
  // stretched.
  RopeConfig near = c.rope;
  TRY(near.freq_base, keys.number_or("rope.freq_base_swa", 10000, kRopeBase));
  near.factor = 1;
  const int32_t rope_swa = m.builder.rope_table(rope_table(near, RopePairs::half_split));
  const int32_t rope_full = m.builder.rope_table(rope_table(c.rope, RopePairs::half_split));

  ValueId x = m.embed(std::sqrt(static_cast<float>(c.n_embd)));
  for (int32_t i = 0; i < c.n_layer; i++) {
    const auto layer = static_cast<size_t>(i);
    const bool windowed = n_swa > 0 && has_window(i, period);
    const int32_t rope = windowed ? rope_swa : rope_full;
    const int32_t n_head = c.n_head[layer];
    // The 27B model, known by its 62 blocks, scales by the width that its heads would have if they filled
    // n_embd.
    const float scale_dim = c.n_layer == 62 ? static_cast<float>(c.n_embd) / static_cast<float>(c.n_head[0])
                                            : static_cast<float>(c.head_dim);

    m.block(i);
    ValueId h = m.norm("attn_norm", x, c.n_embd);
    auto [q, k, v] = m.qkv(h, i);
    q = m.norm("attn_q_norm", q, c.head_dim);
    k = m.norm("attn_k_norm", k, c.head_dim);
    q = m.builder.rope("q_rope", q, c.head_dim, rope);
    k = m.builder.rope("k_rope", k, c.head_dim, rope);
    h = m.builder.attention("attn", q, k, v,
                            {.n_head = n_head,
                             .n_head_kv = c.n_head_kv[layer],
                             .scale = 1 / std::sqrt(scale_dim),
                             .window = windowed ? n_swa : 0});
    h = m.attn_output(h, i);
    h = m.norm("post_attention_norm", h, c.n_embd);
    x = m.builder.add("attn_residual", x, h);

    h = m.norm("ffn_norm", x, c.n_embd);
    h = m.ffn(h, c.n_ff[layer], Activation::gelu);
    h = m.norm("post_ffw_norm", h, c.n_embd);
    x = m.builder.add("ffn_residual", x, h);
  }
  return m.head(x, Bias::absent, softcap);
}

}  // namespace halcyon::model
