// How likely the tokens were, for clients that ask.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace halcyon::engine {

using backend::Token;

struct TokenLogprob {
  Token token = 0;
  float logprob = 0;  ///< natural logarithm of its probability among all tokens; -inf for none
};

struct Logprobs {
  float chosen = 0;               ///< of the token that was taken
  std::vector<TokenLogprob> top;  ///< the most likely ones first, the lower id among equals
};

/// From the model's own logits [n_vocab], before any sampler changed them: log-softmax of `chosen` and of the
/// `n_top` most likely tokens.
Logprobs logprobs_of(std::span<const float> logits, Token chosen, int32_t n_top);

}  // namespace halcyon::engine
