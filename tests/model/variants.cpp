#include "tests/model/variants.h"

namespace halcyon::model::test {
namespace {

using gguf::Value;

void add_llama(std::map<std::string, SyntheticModel>& all) {
  auto& biases = all["llama biases"] = synthetic("llama");
  for (const char* prefix : {"blk.0.", "blk.1."}) {
    biases.add(prefix + std::string("attn_q.bias"), {64}, 0.5f);
    biases.add(prefix + std::string("attn_k.bias"), {32}, 0.5f);
    biases.add(prefix + std::string("attn_v.bias"), {32}, 0.5f);
    biases.add(prefix + std::string("attn_output.bias"), {64}, 0.5f);
    biases.add(prefix + std::string("ffn_gate.bias"), {48}, 0.5f);
    biases.add(prefix + std::string("ffn_up.bias"), {48}, 0.5f);
    biases.add(prefix + std::string("ffn_down.bias"), {64}, 0.5f);
  }
  all["llama rope_freqs"] = synthetic("llama");
  all["llama rope_freqs"].add("rope_freqs.weight", {8}, 3, 4);

  auto& linear = all["llama linear scaling"] = synthetic("llama");
  linear.f32("rope.scaling.factor", 4);
  auto& legacy = all["llama legacy linear scaling"] = synthetic("llama");
  legacy.f32("rope.scale_linear", 3);
  auto& yarn = all["llama yarn"] = synthetic("llama");
  yarn.keys["rope.scaling.type"] = Value::string("yarn");
  yarn.f32("rope.scaling.factor", 8);
  yarn.f32("rope.scaling.attn_factor", 0.7f);
  yarn.u32("rope.scaling.original_context_length", 64);
  auto& none = all["llama scaling none keeps attn_factor"] = synthetic("llama");
  none.keys["rope.scaling.type"] = Value::string("none");
  none.f32("rope.scaling.factor", 8);
  none.f32("rope.scaling.attn_factor", 1.3f);

  auto& mixtral = all["llama experts"] = synthetic("qwen3moe");  // the same stacks, of feed_forward_length
  mixtral.architecture = "llama";
  mixtral.u32("feed_forward_length", 32);
  mixtral.keys.erase("expert_feed_forward_length");
  for (const char* prefix : {"blk.0.", "blk.1."}) {
    mixtral.tensors.erase(prefix + std::string("attn_q_norm.weight"));
    mixtral.tensors.erase(prefix + std::string("attn_k_norm.weight"));
  }
}

void add_qwen(std::map<std::string, SyntheticModel>& all) {
  auto& qwen2 = all["qwen2 tied head with bias"] = synthetic("qwen2");
  qwen2.tensors.erase("output.weight");
  qwen2.add("output.bias", {40}, 1);

  auto& fused = all["qwen3 fused qkv with bias"] = synthetic("qwen3");
  for (const char* prefix : {"blk.0.", "blk.1."}) {
    for (const char* name : {"attn_q.weight", "attn_k.weight", "attn_v.weight"})
      fused.tensors.erase(prefix + std::string(name));
    fused.add(prefix + std::string("attn_qkv.weight"), {64, 128}, 0.2f);
    fused.add(prefix + std::string("attn_qkv.bias"), {128}, 0.5f);
  }
  auto& heads = all["qwen3 heads and ffn of their own in each block"] = synthetic("qwen3");
  heads.keys["attention.head_count"] = Value::u32s({4, 2});
  heads.keys["attention.head_count_kv"] = Value::i32s({2, 1});
  heads.keys["feed_forward_length"] = Value::i32s({48, 16});
  heads.add("blk.1.attn_q.weight", {64, 32}, 0.2f);
  heads.add("blk.1.attn_k.weight", {64, 16}, 0.2f);
  heads.add("blk.1.attn_v.weight", {64, 16}, 0.2f);
  heads.add("blk.1.attn_output.weight", {32, 64}, 0.2f);
  heads.add("blk.1.ffn_gate.weight", {64, 16}, 0.2f);
  heads.add("blk.1.ffn_up.weight", {64, 16}, 0.2f);
  heads.add("blk.1.ffn_down.weight", {16, 64}, 0.2f);

  auto& scales = all["qwen3moe scales"] = synthetic("qwen3moe");
  scales.add("blk.0.attn_q.scale", {1}, 0.3f, 1.5f);
  scales.add("blk.1.attn_output.scale", {1}, 0.3f, 0.5f);
  scales.add("blk.0.ffn_gate_exps.scale", {4}, 0.5f, 1.5f);
  scales.add("blk.0.ffn_up_exps.scale", {4}, 0.5f, 1.5f);
  scales.add("blk.1.ffn_down_exps.scale", {4}, 0.5f, 1.5f);
  scales.add("blk.1.ffn_down_exps.input_scale", {4}, 0.5f, 1.5f);
  scales.add("output.scale", {1}, 0.3f, 1.5f);

  auto& share = all["qwen3moe expert size from the ffn"] = synthetic("qwen3moe");
  share.u32("feed_forward_length", 64);
  share.keys.erase("expert_feed_forward_length");
}

void add_windows(std::map<std::string, SyntheticModel>& all) {
  auto& period = all["gemma3 period 3, linear scaling"] = synthetic("gemma3", 4);
  period.u32("attention.sliding_window_pattern", 3);
  period.f32("rope.scaling.factor", 4);
  period.f32("rope.freq_base", 1e6f);
  auto& array = all["gemma3 pattern array is passed over"] = synthetic("gemma3", 6);
  array.keys["attention.sliding_window_pattern"] = Value::u32s({0, 0, 0, 0, 0, 0});
  array.f32("rope.freq_base", 1e6f);
  auto& full = all["gemma3 without windows, soft cap"] = synthetic("gemma3");
  full.keys.erase("attention.sliding_window");
  full.f32("rope.freq_base", 1e6f);
  full.f32("final_logit_softcapping", 2);
  auto& base = all["gemma3 base of windows"] = synthetic("gemma3");
  base.f32("rope.freq_base_swa", 500);
  base.u32("attention.sliding_window_pattern", 0);
  auto& large = all["gemma3 62 blocks"] = synthetic("gemma3", 62);
  large.u32("embedding_length", 64);
  large.u32("attention.head_count", 2);  // n_embd / n_head = 32, not the 16 of a head
  for (int32_t i = 0; i < 62; i++) {
    const std::string prefix = "blk." + std::to_string(i) + ".";
    large.add(prefix + "attn_q.weight", {64, 32}, 0.2f);
    large.add(prefix + "attn_output.weight", {32, 64}, 0.2f);
  }

  auto& clamps = all["gpt-oss beyond the clamps"] = synthetic("gpt-oss");
  for (const char* name : {"blk.0.ffn_gate_exps.weight", "blk.0.ffn_up_exps.weight"}) clamps.scale(name, 10);
  auto& gpt_oss = all["gpt-oss period 3, base of windows"] = synthetic("gpt-oss", 3);
  gpt_oss.u32("attention.sliding_window_pattern", 3);
  gpt_oss.f32("rope.freq_base_swa", 500);
  gpt_oss.f32("rope.freq_base", 150000);
}

void add_hybrid(std::map<std::string, SyntheticModel>& all) {
  auto& stream_e = all["qwen35 pairs of stream e"] = synthetic("qwen35");
  stream_e.keys["rope.dimension_sections"] = Value::i32s({1, 1, 0, 2});
  auto& eps = all["qwen35 eps of the l2 norm"] = synthetic("qwen35");
  eps.f32("attention.layer_norm_rms_epsilon", 0.5f);
  auto& softplus = all["qwen35 softplus above 20"] = synthetic("qwen35");
  softplus.add("blk.0.ssm_dt.bias", {4}, 3, 21);
  softplus.add("blk.0.ssm_a", {4}, 0.01f, -0.02f);
  auto& heads = all["qwen35 three value heads to a key head"] = synthetic("qwen35");
  heads.u32("ssm.time_step_rank", 6);
  heads.u32("ssm.inner_size", 48);
  heads.add("blk.0.attn_qkv.weight", {64, 80}, 0.2f);
  heads.add("blk.0.attn_gate.weight", {64, 48}, 0.2f);
  heads.add("blk.0.ssm_conv1d.weight", {4, 80}, 0.5f);
  heads.add("blk.0.ssm_dt.bias", {6}, 0.5f);
  heads.add("blk.0.ssm_a", {6}, 0.3f, -0.5f);
  heads.add("blk.0.ssm_alpha.weight", {64, 6}, 0.2f);
  heads.add("blk.0.ssm_beta.weight", {64, 6}, 0.2f);
  heads.add("blk.0.ssm_out.weight", {48, 64}, 0.2f);
  all["qwen35 three periods"] = synthetic("qwen35", 6);
  auto& moe = all["qwen35moe merged gate and up"] = synthetic("qwen35moe");
  for (const char* prefix : {"blk.0.", "blk.1."}) {
    moe.tensors.erase(prefix + std::string("ffn_gate_exps.weight"));
    moe.tensors.erase(prefix + std::string("ffn_up_exps.weight"));
    moe.add(prefix + std::string("ffn_gate_up_exps.weight"), {64, 64, 4}, 0.3f);
  }
}

}  // namespace

std::map<std::string, SyntheticModel> variants() {
  std::map<std::string, SyntheticModel> all;
  for (const char* name :
       {"llama", "qwen2", "qwen3", "qwen3moe", "gemma3", "gpt-oss", "qwen35", "qwen35moe"}) {
    all[name] = synthetic(name);
  }
  add_llama(all);
  add_qwen(all);
  add_windows(all);
  add_hybrid(all);
  return all;
}

}  // namespace halcyon::model::test
