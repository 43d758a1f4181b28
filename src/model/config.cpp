#include "model/config.h"

#include <algorithm>
#include <cmath>

#include "base/quote.h"
#include "model/weights.h"

namespace halcyon::model {
namespace {

Result<RopeScaling> read_scaling(const Keys& keys) {
  TRY(const std::string name, keys.string_or("rope.scaling.type", "linear"));
  if (name == "none") return RopeScaling::none;
  if (name == "linear") return RopeScaling::linear;
  if (name == "yarn") return RopeScaling::yarn;
  if (name == "longrope") return RopeScaling::longrope;
  return fail("{}.rope.scaling.type: is {}, expected none, linear, yarn or longrope", keys.architecture(),
              quote(name));
}

Result<std::vector<double>> read_divisors(const gguf::File& file, const RopeConfig& rope, int32_t n_ctx) {
  std::string name = "rope_freqs.weight";
  if (rope.scaling == RopeScaling::longrope) {
    name = n_ctx > rope.n_ctx_orig ? "rope_factors_long.weight" : "rope_factors_short.weight";
  } else if (file.find(name) == nullptr) {
    return {};
  }
  TRY(auto divisors, read_vector(file, name, rope.n_rot / 2));
  for (const double divisor : divisors) {
    if (!std::isnormal(divisor)) return fail("{}: has the element {}, which is no divisor", name, divisor);
  }
  return divisors;
}

Result<RopeConfig> read_rope(const gguf::File& file, const Keys& keys, const Config& config, int32_t n_ctx) {
  RopeConfig rope;
  TRY(rope.n_rot,
      keys.integer_or("rope.dimension_count", config.head_dim, {2, static_cast<double>(config.head_dim)}));
  if (rope.n_rot % 2 != 0)
    return fail("{}.rope.dimension_count: is {}, expected an even number", keys.architecture(), rope.n_rot);
  TRY(rope.freq_base, keys.number_or("rope.freq_base", 10000, kRopeBase));
  TRY(rope.scaling, read_scaling(keys));
  const bool legacy = !keys.contains("rope.scaling.factor");
  TRY(rope.factor, keys.number_or(legacy ? "rope.scale_linear" : "rope.scaling.factor", 0, {0, 1e6}));
  if (rope.factor == 0 || rope.scaling == RopeScaling::none) rope.factor = 1;
  TRY(rope.attn_factor, keys.number_or("rope.scaling.attn_factor", 1, {-1e6, 1e6}));
  TRY(rope.n_ctx_orig,
      keys.integer_or("rope.scaling.original_context_length", config.n_ctx_train, kPositions));
  TRY(rope.divisors, read_divisors(file, rope, n_ctx));
  return rope;
}

/// Rows of the embedding table; the tokenizer must have a token for each.
Result<int32_t> read_n_vocab(const gguf::File& file) {
  const gguf::Tensor* embeddings = file.find("token_embd.weight");
  if (embeddings == nullptr) return fail("token_embd.weight: not in the file");
  const int64_t n_vocab = embeddings->ne[1];
  if (n_vocab < 1 || n_vocab > 1 << 24)
    return fail("token_embd.weight: has {} rows, expected 1 to {}", n_vocab, 1 << 24);
  TRY(const std::vector<std::string>* tokens, file.metadata().strings("tokenizer.ggml.tokens"));
  if (tokens != nullptr && std::ssize(*tokens) != n_vocab) {
    return fail("token_embd.weight: has {} rows, but tokenizer.ggml.tokens has {} tokens", n_vocab,
                tokens->size());
  }
  return static_cast<int32_t>(n_vocab);
}

}  // namespace

Result<Config> read_config(const gguf::File& file, const Keys& keys, int32_t n_ctx) {
  Config c;
  c.architecture = keys.architecture();
  TRY(c.n_vocab, read_n_vocab(file));
  TRY(c.n_ctx_train, keys.integer("context_length", kPositions));
  TRY(c.n_embd, keys.integer("embedding_length", kWidth));
  TRY(c.n_layer, keys.integer("block_count", kLayers));
  TRY(c.n_ff, keys.per_layer_or("feed_forward_length", std::vector<int32_t>(static_cast<size_t>(c.n_layer)),
                                {0, kWidth.max}));
  TRY(c.n_head, keys.per_layer("attention.head_count", c.n_layer, kHeads));
  TRY(c.n_head_kv, keys.per_layer_or("attention.head_count_kv", c.n_head, kHeads));

  const int32_t max_n_head = std::ranges::max(c.n_head);
  if (max_n_head == 0) return fail("{}.attention.head_count: is 0", c.architecture);
  TRY(c.head_dim, keys.integer_or("attention.key_length", c.n_embd / max_n_head, kHeadDim));
  TRY(const int32_t value_length, keys.integer_or("attention.value_length", c.head_dim, kHeadDim));
  if (value_length != c.head_dim) {
    return fail("{}.attention.value_length: is {}, expected the key_length {}", c.architecture, value_length,
                c.head_dim);
  }
  TRY(c.rms_eps, keys.number("attention.layer_norm_rms_epsilon", {0, 1}));
  TRY(c.rope, read_rope(file, keys, c, n_ctx));
  TRY(c.n_expert, keys.integer_or("expert_count", 0, kExperts));
  TRY(c.n_expert_used, keys.integer_or("expert_used_count", 0, kExperts));
  if (c.n_expert > 0 && (c.n_expert_used < 1 || c.n_expert_used > c.n_expert)) {
    return fail("{}.expert_used_count: is {}, expected 1 to the expert_count {}", c.architecture,
                c.n_expert_used, c.n_expert);
  }
  return c;
}

Result<int32_t> read_window_period(const Keys& keys, int32_t fallback) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  return keys.is_array(kKey) ? fallback : keys.integer_or(kKey, fallback, {0, kPositions.max});
}

Result<void> check_full_rope(const Config& c) {
  if (c.rope.n_rot == c.head_dim) return {};
  return fail("{}.rope.dimension_count: is {}, expected the key_length {}", c.architecture, c.rope.n_rot,
              c.head_dim);
}

Result<int32_t> read_expert_n_ff(const Keys& keys, const Config& c) {
  if (c.n_expert == 0)
    return fail("{}.expert_count: missing or 0, expected 1 to {}", c.architecture, kExperts.max);
  const int32_t share = c.n_ff[0] / c.n_expert_used;
  // Without either key the share is 0, and the error is that of the missing key.
  return share > 0 ? keys.integer_or("expert_feed_forward_length", share, kWidth)
                   : keys.integer("expert_feed_forward_length", kWidth);
}

}  // namespace halcyon::model
