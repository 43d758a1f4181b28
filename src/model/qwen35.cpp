// Qwen 3.5: in three of four blocks linear attention by the gated delta rule (arXiv:2412.06464), in the
// fourth gated softmax attention; a dense FFN, or experts beside a shared one.
#include <algorithm>
#include <cmath>

#include "model/architectures.h"

namespace halcyon::model {
namespace {

struct Hybrid {
  int32_t n_main = 0;    // blocks of the forward pass; that of the multi-token-prediction head follows them
  int32_t interval = 4;  // every n-th block has softmax attention
  int32_t rope = 0;
  int32_t d_conv = 0;
  program::DeltaState delta;
  int32_t n_ff_exp = 0, n_ff_shexp = 0;  // of an expert and of the shared one; 0: a dense FFN

  bool linear(int32_t layer) const { return layer < n_main && (layer + 1) % interval != 0; }
};

Result<Hybrid> read_hybrid(const Keys& keys, const Config& c) {
  constexpr Range kLinearHeads{1, 1024}, kStateDim{1, 1024}, kTaps{1, 64};
  Hybrid p;
  TRY(const int32_t n_mtp, keys.integer_or("nextn_predict_layers", 0, {0, 1}));
  p.n_main = c.n_layer - n_mtp;
  if (p.n_main < 1)
    return fail("{}.block_count: is {}, all of them for prediction heads", keys.architecture(), c.n_layer);
  TRY(p.interval, keys.integer_or("full_attention_interval", 4, kLayers));
  TRY(p.d_conv, keys.integer("ssm.conv_kernel", kTaps));
  TRY(p.delta.dk, keys.integer("ssm.state_size", kStateDim));
  TRY(p.delta.n_k, keys.integer("ssm.group_count", kLinearHeads));
  TRY(p.delta.n_v, keys.integer("ssm.time_step_rank", kLinearHeads));
  TRY(const int32_t inner_size, keys.integer("ssm.inner_size", kWidth));
  p.delta.dv = p.delta.dk;
  if (p.delta.n_v % p.delta.n_k != 0) {
    return fail("{}.ssm.time_step_rank: is {}, expected a multiple of the group_count {}",
                keys.architecture(), p.delta.n_v, p.delta.n_k);
  }
  if (inner_size != p.delta.n_v * p.delta.dv) {
    return fail("{}.ssm.inner_size: is {}, expected time_step_rank * state_size = {}", keys.architecture(),
                inner_size, p.delta.n_v * p.delta.dv);
  }
  return p;
}

Result<int32_t> read_rope_table(const Keys& keys, Layers& m) {
  TRY(const std::vector<int32_t> sections, keys.array("rope.dimension_sections", 4, {0, 4096}));
  if (std::ranges::max(sections) == 0)
    return fail("{}.rope.dimension_sections: all are 0", keys.architecture());
  return m.builder.rope_table(
      imrope_table_for_text(m.config.rope, {sections[0], sections[1], sections[2], sections[3]}));
}

/// Softmax attention whose output is gated; in each head of attn_q the query comes first, then the gate. [T,
/// E] -> [T, E]
ValueId gated_attention(Layers& m, const Hybrid& p, ValueId x, int32_t i) {
  const Config& c = m.config;
  const int64_t hd = c.head_dim;
  const int32_t n_head = c.n_head[static_cast<size_t>(i)], n_head_kv = c.n_head_kv[static_cast<size_t>(i)];
  const ValueId q_gate = m.linear("attn_q", x, c.n_embd, 2 * hd * n_head);
  const ValueId gate = m.builder.slice("attn_q_gate", q_gate, 2 * hd, hd, hd);
  ValueId q = m.builder.slice("attn_q_query", q_gate, 2 * hd, 0, hd);
  ValueId k = m.linear("attn_k", x, c.n_embd, hd * n_head_kv);
  const ValueId v = m.linear("attn_v", x, c.n_embd, hd * n_head_kv);
  q = m.norm("attn_q_norm", q, hd);
  k = m.norm("attn_k_norm", k, hd);
  q = m.builder.rope("q_rope", q, hd, p.rope);
  k = m.builder.rope("k_rope", k, hd, p.rope);
  const ValueId y = m.builder.attention(
      "attn", q, k, v,
      {.n_head = n_head, .n_head_kv = n_head_kv, .scale = 1 / std::sqrt(static_cast<float>(hd))});
  return m.attn_output(m.builder.sigmoid_gate("attn_gated", y, gate), i);
}

/// The gated delta net, behind a short convolution of its queries, keys and values. [T, E] -> [T, E]
ValueId linear_attention(Layers& m, const Hybrid& p, ValueId x) {
  const Config& c = m.config;
  const auto [n_k, n_v, dk, dv] = p.delta;
  const int64_t key_dim = int64_t{n_k} * dk, value_dim = int64_t{n_v} * dv,
                channels = 2 * key_dim + value_dim;
  const ValueId qkv = m.linear("attn_qkv", x, c.n_embd, channels);
  const ValueId z = m.linear("attn_gate", x, c.n_embd, value_dim);
  const ValueId beta = m.builder.sigmoid("ssm_write", m.linear("ssm_beta", x, c.n_embd, n_v));
  const ValueId alpha = m.linear("ssm_alpha", x, c.n_embd, n_v);
  const ValueId g = m.builder.delta_decay("ssm_decay", alpha, m.weights.required("ssm_a", n_v),
                                          m.weights.required("ssm_dt.bias", n_v));

  const ValueId conv =
      m.builder.causal_conv("ssm_conv", qkv, m.weights.required("ssm_conv1d.weight", {p.d_conv, channels}));
  ValueId q = m.builder.slice("ssm_conv_q", conv, channels, 0, key_dim);
  ValueId k = m.builder.slice("ssm_conv_k", conv, channels, key_dim, key_dim);
  const ValueId v = m.builder.slice("ssm_v", conv, channels, 2 * key_dim, value_dim);
  q = m.builder.l2_norm("ssm_q", q, dk, c.rms_eps, 1 / std::sqrt(static_cast<float>(dk)));
  k = m.builder.l2_norm("ssm_k", k, dk, c.rms_eps);

  ValueId y = m.builder.delta_net("ssm_delta", q, k, v, g, beta, p.delta);
  y = m.norm("ssm_norm", y, dv);
  y = m.builder.glu("ssm_gated", z, y, Activation::silu);
  return m.linear("ssm_out", y, value_dim, c.n_embd);
}

/// A dense FFN, or experts plus a shared one behind a gate of its own. [T, E] -> [T, E]
ValueId feed_forward(Layers& m, const Hybrid& p, ValueId x, int32_t i) {
  if (p.n_ff_exp == 0) return m.ffn(x, m.config.n_ff[static_cast<size_t>(i)], Activation::silu);
  const ValueId chosen = m.moe(x, {.n_ff = p.n_ff_exp});
  const ValueId gate = m.linear("ffn_gate_inp_shexp", x, m.config.n_embd, 1);
  ValueId shared = m.ffn(x, p.n_ff_shexp, Activation::silu, Bias::absent, "_shexp");
  shared = m.builder.sigmoid_gate("ffn_shexp_gated", shared, gate);
  return m.builder.add("ffn_out", chosen, shared);
}

ValueId block(Layers& m, const Hybrid& p, ValueId x, int32_t i) {
  m.block(i);
  ValueId h = m.norm("attn_norm", x, m.config.n_embd);
  h = p.linear(i) ? linear_attention(m, p, h) : gated_attention(m, p, h, i);
  x = m.builder.add("attn_residual", x, h);
  h = m.norm("post_attention_norm", x, m.config.n_embd);
  h = feed_forward(m, p, h, i);
  return m.builder.add("ffn_residual", x, h);
}

/// Checks the tensors of the multi-token-prediction head, block n_main, by writing that block into a program
/// of its own that nobody runs.
Result<void> check_mtp_head(const Keys& keys, Layers& m, Hybrid p) {
  const int64_t n_embd = m.config.n_embd, n_vocab = m.config.n_vocab;
  Layers mtp(m.file, m.config);
  TRY(p.rope, read_rope_table(keys, mtp));
  const ValueId x = block(mtp, p, mtp.embed(), p.n_main);
  mtp.weights.required("nextn.eh_proj.weight", {2 * n_embd, n_embd});
  mtp.weights.required("nextn.enorm.weight", n_embd);
  mtp.weights.required("nextn.hnorm.weight", n_embd);
  mtp.weights.optional("nextn.embed_tokens.weight", {n_embd, n_vocab});
  mtp.weights.optional("nextn.shared_head_norm.weight", n_embd);
  mtp.weights.optional("nextn.shared_head_head.weight", {n_embd, n_vocab});
  const ValueId logits = mtp.head(x);
  TRY([[maybe_unused]] const auto checked, mtp.builder.finish(logits));
  m.weights.also_asked_for(mtp.weights);
  return {};
}

Result<ValueId> forward(const Keys& keys, Layers& m, Hybrid p) {
  TRY(p.rope, read_rope_table(keys, m));
  ValueId x = m.embed();
  for (int32_t i = 0; i < p.n_main; i++) x = block(m, p, x, i);
  if (p.n_main < m.config.n_layer) CHECK_OK(check_mtp_head(keys, m, p));
  return m.head(x);
}

}  // namespace

Result<ValueId> qwen35(const Keys& keys, Layers& m) {
  TRY(const Hybrid p, read_hybrid(keys, m.config));
  return forward(keys, m, p);
}

Result<ValueId> qwen35moe(const Keys& keys, Layers& m) {
  TRY(Hybrid p, read_hybrid(keys, m.config));
  TRY(p.n_ff_exp, read_expert_n_ff(keys, m.config));
  TRY(p.n_ff_shexp, keys.integer_or("expert_shared_feed_forward_length", m.config.n_ff[0], kWidth));
  return forward(keys, m, p);
}

}  // namespace halcyon::model
