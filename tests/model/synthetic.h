// Small models with random weights, made in memory and easily bent: change a key or a tensor, then build.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "model/model.h"

namespace halcyon::model::test {

struct SyntheticTensor {
  std::vector<int64_t> ne;
  std::vector<float> data;
};

/// The contents of a GGUF file. Everything in it follows from its name, so that the same model has the same
/// weights on every machine.
struct SyntheticModel {
  std::string architecture;
  std::map<std::string, gguf::Value> keys;  ///< without "ARCH.", but for tokenizer.*
  std::map<std::string, SyntheticTensor> tensors;
  bool q8_0 = false;  ///< the file has matrices as Q8_0 where their rows are whole blocks

  /// Adds numbers between center - spread and center + spread.
  void add(const std::string& name, std::vector<int64_t> ne, float spread, float center = 0);
  void scale(const std::string& name, float factor);  ///< multiplies a tensor
  void u32(const std::string& key, uint32_t value) { keys[key] = gguf::Value::u32(value); }
  void f32(const std::string& key, float value) { keys[key] = gguf::Value::f32(value); }

  Result<std::string> bytes() const;  ///< as a GGUF file
  Result<gguf::File> file() const;

  /// Builds the model for a context of `n_ctx` and evaluates it: [T, n_vocab].
  Result<std::vector<float>> logits(std::span<const int32_t> tokens, int32_t n_ctx = 512) const;
};

/// llama, qwen2, qwen3, qwen3moe, gemma3, gpt-oss, qwen35 or qwen35moe: 64 wide, 4 heads of 16 over 2 of keys
/// and values, 40 tokens in the vocabulary; 4 experts of which 2 are used.
SyntheticModel synthetic(const std::string& architecture, int32_t n_layer = 2);

/// A file over bytes that it keeps.
Result<gguf::File> parse(std::string bytes);

/// Twelve tokens of that vocabulary.
std::span<const int32_t> sample_tokens();

}  // namespace halcyon::model::test
