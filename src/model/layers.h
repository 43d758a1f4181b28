// The layers that architectures share, written into a program under GGUF's names. T tokens, E n_embd.
#pragma once

#include <string_view>

#include "model/config.h"
#include "model/weights.h"
#include "program/builder.h"

namespace halcyon::model {

using program::Activation;
using program::Gating;
using program::none;
using program::ValueId;
using program::WeightId;

/// What an architecture says about the ".bias" of a layer. One that is there although it is `absent` is
/// refused later, as a tensor that nobody asked for.
enum class Bias { absent, optional, required };

struct Layers {
  const gguf::File& file;
  const Config& config;
  program::Builder builder;
  Weights weights;

  Layers(const gguf::File& gguf_file, const Config& model_config);
  Layers(const Layers&) = delete;
  Layers& operator=(const Layers&) = delete;

  /// What follows belongs to a block, or to the whole model.
  void block(int32_t layer);
  void no_block();

  /// token_embd.weight {E, n_vocab} -> [T, E]
  ValueId embed(float scale = 1);

  /// RMSNorm by NAME.weight {n}, over each group of n elements: a row, or each head.
  ValueId norm(std::string_view name, ValueId x, int64_t n);

  /// NAME.weight {n_in, n_out}, NAME.scale {1} if it is there, NAME.bias {n_out}: [T, n_in] -> [T, n_out]
  ValueId linear(std::string_view name, ValueId x, int64_t n_in, int64_t n_out, Bias bias = Bias::absent);

  struct QKV {
    ValueId q;     // [T, n_head * head_dim]
    ValueId k, v;  // [T, n_head_kv * head_dim]
  };
  /// attn_q, attn_k and attn_v, or attn_qkv with the rows of all three.
  QKV qkv(ValueId x, int32_t layer, Bias bias = Bias::optional);

  /// attn_output: [T, n_head * head_dim] -> [T, E]
  ValueId attn_output(ValueId x, int32_t layer, Bias bias = Bias::absent);

  /// ffn_gateS, ffn_upS, ffn_downS with suffix S: [T, E] -> [T, E]
  ValueId ffn(ValueId x, int64_t n_ff, Activation activation, Bias bias = Bias::absent,
              std::string_view suffix = "");

  struct Moe {
    int64_t n_ff;  ///< of each expert
    Gating gating = Gating::softmax_all;
    Activation activation = Activation::silu;
    Bias bias = Bias::absent;
  };
  /// Mixture of experts (arXiv:1701.06538): ffn_gate_inp routes, ffn_{gate,up,down}_exps compute; gate and up
  /// may be merged in ffn_gate_up_exps. [T, E] -> [T, E]
  ValueId moe(ValueId x, const Moe& params);

  /// output_norm, then `output` or, if there is none, the embedding table: [T, E] -> logits [outputs,
  /// n_vocab], of which `softcap` bounds the absolute value if it is not 0.
  ValueId head(ValueId x, Bias bias = Bias::absent, float softcap = 0);

 private:
  ValueId experts(std::string_view name, ValueId x, ValueId ids, int64_t n_in, int64_t n_out, Bias bias);
  WeightId bias_of(std::string_view layer, Shape shape, Bias bias);
};

}  // namespace halcyon::model
