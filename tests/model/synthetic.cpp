#include "tests/model/synthetic.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <list>
#include <random>

#include "gguf/writer.h"
#include "quant/float.h"
#include "tests/support/reference_executor.h"

namespace halcyon::model::test {
namespace {

constexpr int32_t kVocab = 40, kEmbd = 64, kHeads = 4, kHeadsKv = 2, kHeadDim = 16, kFf = 48, kExperts = 4,
                  kFfExp = 32;
constexpr int32_t kConv = 4, kState = 8, kKeyHeads = 2, kValueHeads = 4;

class OwnedBytes final : public ByteSource {
 public:
  explicit OwnedBytes(std::string bytes) : bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  uint64_t size() const override { return bytes_.size(); }
  Result<void> read(uint64_t offset, std::span<std::byte> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return fail("{}: past the end", name_);
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }

 private:
  std::string name_ = "synthetic";
  std::string bytes_;
};

/// The same on every machine, unlike std::hash.
uint32_t hash_of(const std::string& name) {
  uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

void add_matrix(SyntheticModel& m, const std::string& name, int64_t n_in, int64_t n_out) {
  m.add(name, {n_in, n_out}, std::sqrt(3.0f / static_cast<float>(n_in)));
}
void add_norm(SyntheticModel& m, const std::string& name, int64_t n) { m.add(name, {n}, 0.3f, 1); }

void add_experts(SyntheticModel& m, const std::string& prefix) {
  add_matrix(m, prefix + "ffn_gate_inp.weight", kEmbd, kExperts);
  m.add(prefix + "ffn_gate_exps.weight", {kEmbd, kFfExp, kExperts}, 0.3f);
  m.add(prefix + "ffn_up_exps.weight", {kEmbd, kFfExp, kExperts}, 0.3f);
  m.add(prefix + "ffn_down_exps.weight", {kFfExp, kEmbd, kExperts}, 0.3f);
}

void add_dense_ffn(SyntheticModel& m, const std::string& prefix, const std::string& suffix, int64_t n_ff) {
  add_matrix(m, prefix + "ffn_gate" + suffix + ".weight", kEmbd, n_ff);
  add_matrix(m, prefix + "ffn_up" + suffix + ".weight", kEmbd, n_ff);
  add_matrix(m, prefix + "ffn_down" + suffix + ".weight", n_ff, kEmbd);
}

void add_linear_attention(SyntheticModel& m, const std::string& prefix) {
  const int64_t value_dim = kValueHeads * kState, channels = 2 * kKeyHeads * kState + value_dim;
  add_matrix(m, prefix + "attn_qkv.weight", kEmbd, channels);
  add_matrix(m, prefix + "attn_gate.weight", kEmbd, value_dim);
  m.add(prefix + "ssm_conv1d.weight", {kConv, channels}, 0.5f, 0.2f);
  m.add(prefix + "ssm_dt.bias", {kValueHeads}, 0.5f);
  m.add(prefix + "ssm_a", {kValueHeads}, 0.3f, -0.5f);
  add_matrix(m, prefix + "ssm_alpha.weight", kEmbd, kValueHeads);
  add_matrix(m, prefix + "ssm_beta.weight", kEmbd, kValueHeads);
  add_norm(m, prefix + "ssm_norm.weight", kState);
  add_matrix(m, prefix + "ssm_out.weight", value_dim, kEmbd);
}

void add_block(SyntheticModel& m, const std::string& prefix, bool linear) {
  const std::string& arch = m.architecture;
  const bool gpt_oss = arch == "gpt-oss", hybrid = arch.starts_with("qwen35"), gemma3 = arch == "gemma3";
  add_norm(m, prefix + "attn_norm.weight", kEmbd);
  if (linear) {
    add_linear_attention(m, prefix);
  } else {
    add_matrix(m, prefix + "attn_q.weight", kEmbd, (hybrid ? 2 : 1) * kHeads * kHeadDim);
    add_matrix(m, prefix + "attn_k.weight", kEmbd, kHeadsKv * kHeadDim);
    add_matrix(m, prefix + "attn_v.weight", kEmbd, kHeadsKv * kHeadDim);
    add_matrix(m, prefix + "attn_output.weight", kHeads * kHeadDim, kEmbd);
    if (arch.starts_with("qwen3") || gemma3) {
      add_norm(m, prefix + "attn_q_norm.weight", kHeadDim);
      add_norm(m, prefix + "attn_k_norm.weight", kHeadDim);
    }
  }
  if (gpt_oss || arch == "qwen2") {
    m.add(prefix + "attn_q.bias", {kHeads * kHeadDim}, 0.5f);
    m.add(prefix + "attn_k.bias", {kHeadsKv * kHeadDim}, 0.5f);
    m.add(prefix + "attn_v.bias", {kHeadsKv * kHeadDim}, 0.5f);
  }
  if (gpt_oss || hybrid || gemma3) add_norm(m, prefix + "post_attention_norm.weight", kEmbd);
  if (!gpt_oss && !hybrid) add_norm(m, prefix + "ffn_norm.weight", kEmbd);
  if (gemma3) add_norm(m, prefix + "post_ffw_norm.weight", kEmbd);
  if (gpt_oss) {
    m.add(prefix + "attn_output.bias", {kEmbd}, 0.5f);
    m.add(prefix + "attn_sinks.weight", {kHeads}, 1);
    m.add(prefix + "ffn_gate_inp.bias", {kExperts}, 0.5f);
    m.add(prefix + "ffn_gate_exps.bias", {kFfExp, kExperts}, 0.5f);
    m.add(prefix + "ffn_up_exps.bias", {kFfExp, kExperts}, 0.5f);
    m.add(prefix + "ffn_down_exps.bias", {kEmbd, kExperts}, 0.5f);
  }
  if (gpt_oss || arch.ends_with("moe")) {
    add_experts(m, prefix);
  } else {
    add_dense_ffn(m, prefix, "", kFf);
  }
  if (arch == "qwen35moe") {
    m.add(prefix + "ffn_gate_inp_shexp.weight", {kEmbd}, 0.3f);
    add_dense_ffn(m, prefix, "_shexp", kFf);
  }
}

}  // namespace

void SyntheticModel::add(const std::string& name, std::vector<int64_t> ne, float spread, float center) {
  size_t n = 1;
  for (const int64_t d : ne) n *= static_cast<size_t>(d);
  std::mt19937 random(hash_of(name));
  std::vector<float> data(n);
  for (float& v : data)
    v = center + spread * (static_cast<float>(random() >> 8) / static_cast<float>(1 << 23) - 1);
  tensors[name] = {std::move(ne), std::move(data)};
}

void SyntheticModel::scale(const std::string& name, float factor) {
  for (float& v : tensors.at(name).data) v *= factor;
}

namespace {

/// To nearest, as blocks of Q8_0: a float16 scale and 32 codes.
std::vector<std::byte> to_q8_0(std::span<const float> values) {
  std::vector<std::byte> out;
  for (; !values.empty(); values = values.subspan(32)) {
    float largest = 0;
    for (const float v : values.first(32)) largest = std::max(largest, std::abs(v));
    const uint16_t scale = quant::f32_to_f16(largest / 127);
    const float unit = quant::f16_to_f32(scale);
    out.push_back(static_cast<std::byte>(scale & 255)), out.push_back(static_cast<std::byte>(scale >> 8));
    for (const float v : values.first(32))
      out.push_back(static_cast<std::byte>(unit > 0 ? std::lround(std::min(v / unit, 127.0f)) : 0));
  }
  return out;
}

bool is_matrix(const std::string& name, const SyntheticTensor& tensor) {
  return tensor.ne.size() >= 2 && tensor.ne[0] % 32 == 0 && name.ends_with(".weight") &&
         !name.starts_with("token_embd");
}

}  // namespace

Result<std::string> SyntheticModel::bytes() const {
  gguf::Metadata metadata;
  CHECK_OK(metadata.add("general.architecture", gguf::Value::string(architecture)));
  for (const auto& [key, value] : keys)
    CHECK_OK(metadata.add(key.starts_with("tokenizer.") ? key : architecture + "." + key, value));
  std::vector<gguf::Tensor> all;
  std::list<std::vector<std::byte>> blocks;  // tensors refer to them
  for (const auto& [name, tensor] : tensors) {
    const bool quantized = q8_0 && is_matrix(name, tensor);
    std::span<const std::byte> data = std::as_bytes(std::span(tensor.data));
    if (quantized) data = blocks.emplace_back(to_q8_0(tensor.data));
    TRY(auto t, gguf::memory_tensor(name, quantized ? quant::Type::q8_0 : quant::Type::f32, tensor.ne, data));
    all.push_back(std::move(t));
  }
  return gguf::to_bytes(metadata, all);
}

Result<gguf::File> SyntheticModel::file() const {
  TRY(auto content, bytes());
  return parse(std::move(content));
}

Result<std::vector<float>> SyntheticModel::logits(std::span<const int32_t> tokens, int32_t n_ctx) const {
  TRY(const auto content, file());
  TRY(const auto model, build(content, n_ctx));
  return halcyon::test::reference_logits(model.program, tokens);
}

Result<gguf::File> parse(std::string bytes) {
  return gguf::File::parse(std::make_shared<OwnedBytes>(std::move(bytes)));
}

std::span<const int32_t> sample_tokens() {
  static constexpr int32_t kTokens[] = {3, 17, 0, 39, 8, 8, 21, 5, 30, 12, 26, 1};
  return kTokens;
}

SyntheticModel synthetic(const std::string& architecture, int32_t n_layer) {
  SyntheticModel m{.architecture = architecture, .keys = {}, .tensors = {}};
  m.u32("context_length", 512);
  m.u32("embedding_length", kEmbd);
  m.u32("block_count", static_cast<uint32_t>(n_layer));
  m.u32("feed_forward_length", kFf);
  m.u32("attention.head_count", kHeads);
  m.u32("attention.head_count_kv", kHeadsKv);
  m.u32("attention.key_length", kHeadDim);
  m.u32("attention.value_length", kHeadDim);
  m.f32("attention.layer_norm_rms_epsilon", 1e-5f);
  if (architecture == "gpt-oss" || architecture.ends_with("moe")) {
    m.u32("expert_count", kExperts);
    m.u32("expert_used_count", 2);
    m.u32("expert_feed_forward_length", kFfExp);
  }
  if (architecture == "gpt-oss" || architecture == "gemma3") m.u32("attention.sliding_window", 4);
  const bool hybrid = architecture.starts_with("qwen35");
  if (hybrid) {
    m.u32("rope.dimension_count", 8);
    m.keys["rope.dimension_sections"] = gguf::Value::i32s({2, 1, 1, 0});
    m.u32("full_attention_interval", 2);
    m.u32("ssm.conv_kernel", kConv);
    m.u32("ssm.state_size", kState);
    m.u32("ssm.group_count", kKeyHeads);
    m.u32("ssm.time_step_rank", kValueHeads);
    m.u32("ssm.inner_size", kValueHeads * kState);
  }
  m.add("token_embd.weight", {kEmbd, kVocab}, 1);
  for (int32_t i = 0; i < n_layer; i++) add_block(m, fmt::format("blk.{}.", i), hybrid && (i + 1) % 2 != 0);
  add_norm(m, "output_norm.weight", kEmbd);
  add_matrix(m, "output.weight", kEmbd, kVocab);
  return m;
}

}  // namespace halcyon::model::test
