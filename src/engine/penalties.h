// Makes tokens that the text has already used less likely.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace halcyon::engine {

using backend::Token;

struct PenaltyParams {
  float repeat_penalty =
      1;  ///< positive logits are divided by it, negative ones multiplied (arXiv:1909.05858); 1: off
  int32_t repeat_last_n = 64;   ///< of so many last tokens, the prompt's included; 0: off, -1: all
  float presence_penalty = 0;   ///< subtracted from the logit of each token seen
  float frequency_penalty = 0;  ///< subtracted as often as the token was seen
};

bool active(const PenaltyParams& params);

/// Lowers `logits` [n_vocab] of the tokens in `history`. `scratch` [n_vocab] holds zeros before and after.
void penalize(std::span<float> logits, std::span<const Token> history, const PenaltyParams& params,
              std::span<uint32_t> scratch);

/// A logit after a change: kept finite, so that no parameter can bring infinities among them.
float finite_logit(double logit);

/// The last `n` of `history`; all if n < 0 or there are no more.
std::span<const Token> last(std::span<const Token> history, int32_t n);

}  // namespace halcyon::engine
