#include "model/layers.h"

namespace halcyon::model {

Layers::Layers(const gguf::File& gguf_file, const Config& model_config)
    : file(gguf_file), config(model_config), weights(file, builder) {}

void Layers::block(int32_t layer) {
  builder.block(layer);
  weights.block(layer);
}

void Layers::no_block() {
  builder.no_block();
  weights.no_block();
}

ValueId Layers::embed(float scale) {
  return builder.embed("token_embd", weights.required("token_embd.weight", {config.n_embd, config.n_vocab}),
                       scale);
}

ValueId Layers::norm(std::string_view name, ValueId x, int64_t n) {
  return builder.rms_norm(name, x, weights.required(fmt::format("{}.weight", name), n), config.rms_eps);
}

ValueId Layers::linear(std::string_view name, ValueId x, int64_t n_in, int64_t n_out, Bias bias) {
  const WeightId weight = weights.required(fmt::format("{}.weight", name), {n_in, n_out});
  const WeightId scale = weights.optional(fmt::format("{}.scale", name), 1);
  return builder.matmul(name, x, weight, scale, bias_of(name, n_out, bias));
}

Layers::QKV Layers::qkv(ValueId x, int32_t layer, Bias bias) {
  const auto i = static_cast<size_t>(layer);
  const int64_t q_dim = int64_t{config.n_head[i]} * config.head_dim;
  const int64_t kv_dim = int64_t{config.n_head_kv[i]} * config.head_dim;
  if (!weights.has("attn_qkv.weight")) {
    return {.q = linear("attn_q", x, config.n_embd, q_dim, bias),
            .k = linear("attn_k", x, config.n_embd, kv_dim, bias),
            .v = linear("attn_v", x, config.n_embd, kv_dim, bias)};
  }
  const int64_t all = q_dim + 2 * kv_dim;
  const ValueId fused = linear("attn_qkv", x, config.n_embd, all, bias);
  return {.q = builder.slice("attn_q", fused, all, 0, q_dim),
          .k = builder.slice("attn_k", fused, all, q_dim, kv_dim),
          .v = builder.slice("attn_v", fused, all, q_dim + kv_dim, kv_dim)};
}

ValueId Layers::attn_output(ValueId x, int32_t layer, Bias bias) {
  const int64_t q_dim = int64_t{config.n_head[static_cast<size_t>(layer)]} * config.head_dim;
  return linear("attn_output", x, q_dim, config.n_embd, bias);
}

ValueId Layers::ffn(ValueId x, int64_t n_ff, Activation activation, Bias bias, std::string_view suffix) {
  const ValueId gate = linear(fmt::format("ffn_gate{}", suffix), x, config.n_embd, n_ff, bias);
  const ValueId up = linear(fmt::format("ffn_up{}", suffix), x, config.n_embd, n_ff, bias);
  const ValueId act = builder.glu(fmt::format("ffn_act{}", suffix), gate, up, activation);
  return linear(fmt::format("ffn_down{}", suffix), act, n_ff, config.n_embd, bias);
}

ValueId Layers::moe(ValueId x, const Moe& params) {
  const auto [n_ff, gating, activation, bias] = params;
  const int64_t n_embd = config.n_embd;
  const ValueId logits = linear("ffn_gate_inp", x, n_embd, config.n_expert, bias);
  const auto [ids, shares] = builder.moe_route("ffn_moe", logits, config.n_expert_used, gating);
  ValueId gate = none, up = none;
  if (weights.has("ffn_gate_up_exps.weight")) {
    const ValueId gate_up = experts("ffn_gate_up_exps", x, ids, n_embd, 2 * n_ff, bias);
    gate = builder.slice("ffn_gate_exps", gate_up, 2 * n_ff, 0, n_ff);
    up = builder.slice("ffn_up_exps", gate_up, 2 * n_ff, n_ff, n_ff);
  } else {
    gate = experts("ffn_gate_exps", x, ids, n_embd, n_ff, bias);
    up = experts("ffn_up_exps", x, ids, n_embd, n_ff, bias);
  }
  const ValueId act = builder.glu("ffn_act_exps", gate, up, activation);
  const ValueId down = experts("ffn_down_exps", act, ids, n_ff, n_embd, bias);
  return builder.moe_combine("ffn_moe_out", down, shares);
}

ValueId Layers::head(ValueId x, Bias bias, float softcap) {
  no_block();
  x = builder.outputs("outputs", x);
  x = norm("output_norm", x, config.n_embd);
  builder.hidden(x);
  const std::string_view name = weights.has("output.weight") ? "output" : "token_embd";
  const WeightId weight = weights.required(fmt::format("{}.weight", name), {config.n_embd, config.n_vocab});
  const WeightId scale = weights.optional(fmt::format("{}.scale", name), 1);
  x = builder.matmul("logits", x, weight, scale, bias_of("output", config.n_vocab, bias));
  return softcap > 0 ? builder.softcap("logits_capped", x, softcap) : x;
}

ValueId Layers::experts(std::string_view name, ValueId x, ValueId ids, int64_t n_in, int64_t n_out,
                        Bias bias) {
  const WeightId weight = weights.required(fmt::format("{}.weight", name), {n_in, n_out, config.n_expert});
  const WeightId scale = weights.optional(fmt::format("{}.scale", name), config.n_expert);
  return builder.moe_matmul(name, x, ids, weight, scale, bias_of(name, {n_out, config.n_expert}, bias));
}

WeightId Layers::bias_of(std::string_view layer, Shape shape, Bias bias) {
  if (bias == Bias::absent) return none;
  const std::string name = fmt::format("{}.bias", layer);
  return bias == Bias::required ? weights.required(name, shape) : weights.optional(name, shape);
}

}  // namespace halcyon::model
