// The hyper-parameters that every architecture has; what only one family has, its own file reads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/gguf.h"
#include "model/keys.h"
#include "model/rope.h"

namespace halcyon::model {

struct Config {
  std::string architecture;  ///< "llama"
  int32_t n_vocab = 0;       ///< rows of the embedding table
  int32_t n_ctx_train = 0;   ///< positions it was trained on
  int32_t n_embd = 0;
  int32_t n_layer = 0;  ///< blocks, those of a multi-token-prediction head included
  std::vector<int32_t> n_head,
      n_head_kv;              ///< of each block; n_head is a multiple of n_head_kv where both are used
  int32_t head_dim = 0;       ///< of queries, keys and values
  std::vector<int32_t> n_ff;  ///< of each block; 0 where no key says it
  float rms_eps = 0;
  RopeConfig rope;
  int32_t n_expert = 0, n_expert_used = 0;  ///< 0: no experts
};

/// Limits that real models stay far below. Within them no size computed from hyper-parameters overflows.
inline constexpr Range kLayers{1, 512}, kExperts{0, 512}, kHeads{0, 4096}, kHeadDim{1, 4096},
    kWidth{1, 1 << 20}, kPositions{1, 1 << 30}, kRopeBase{1.001, 1e15};

/// Reads and checks them. `n_ctx` is the context to be used; LongRoPE's divisors depend on it.
Result<Config> read_config(const gguf::File& file, const Keys& keys, int32_t n_ctx);

/// Whether block `layer` sees only a window: with period n all blocks but every n-th do, with 0 all, with 1
/// none.
inline bool has_window(int32_t layer, int32_t period) { return period == 0 || layer % period < period - 1; }

/// "attention.sliding_window_pattern" as a period; an array there describes other architectures and is passed
/// over.
Result<int32_t> read_window_period(const Keys& keys, int32_t fallback);

/// Fails unless all dimensions of a head turn.
Result<void> check_full_rope(const Config& config);

/// The size of each expert: "expert_feed_forward_length", or the FFN's size divided among the experts used.
Result<int32_t> read_expert_n_ff(const Keys& keys, const Config& config);

}  // namespace halcyon::model
