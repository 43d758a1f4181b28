// Rotary position embedding: from hyper-parameters to the frequency of each pair.
#pragma once

#include <array>
#include <vector>

#include "program/program.h"

namespace halcyon::model {

/// How context is stretched beyond the length that a model was trained on.
enum class RopeScaling {
  none,
  linear,    ///< positions divided by `factor` (arXiv:2306.15595)
  yarn,      ///< low frequencies divided by `factor`, high ones kept (arXiv:2309.00071)
  longrope,  ///< a divisor for each pair, in `divisors` (arXiv:2402.13753)
};

struct RopeConfig {
  int32_t n_rot = 0;  ///< dimensions of a head that turn
  double freq_base = 10000;
  RopeScaling scaling = RopeScaling::linear;
  double factor = 1;
  double attn_factor = 1;             ///< multiplies cos and sin
  int32_t n_ctx_orig = 0;             ///< context length before scaling, of yarn
  std::vector<double> divisors = {};  ///< of the frequency of each pair, n_rot / 2; empty: all 1
};

/// Which two elements of a head form a pair.
enum class RopePairs {
  interleaved,  ///< (2j, 2j + 1)
  half_split,   ///< (j, j + n_rot / 2)
};

program::RopeTable rope_table(const RopeConfig& rope, RopePairs pairs);

/// Interleaved M-RoPE (IMROPE): pairs are dealt out to position streams t, h, w, e by the four section sizes
/// (the sum is positive). In text t, h and w are the position and e is 0, so that all that is left of it are
/// pairs that do not turn.
program::RopeTable imrope_table_for_text(const RopeConfig& rope, const std::array<int32_t, 4>& sections);

}  // namespace halcyon::model
