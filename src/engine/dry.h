// DRY ("don't repeat yourself"): lowers the tokens that would continue a sequence the text already has.
// Source: github.com/oobabooga/text-generation-webui, pull request 5677.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace halcyon::engine {

using backend::Token;

struct DryParams {
  float dry_multiplier = 0;         ///< 0: off
  float dry_base = 1.75;            ///< at least 1
  int32_t dry_allowed_length = 2;   ///< repeated tokens that cost nothing yet
  int32_t dry_penalty_last_n = -1;  ///< of so many last tokens; 0: off, -1: all
};

class Dry {
 public:
  /// `breakers[id]`: a sequence does not go on across this token. May be empty.
  Dry(const DryParams& params, std::vector<bool> breakers)
      : params_(params), breakers_(std::move(breakers)) {}

  bool active() const { return params_.dry_multiplier > 0 && params_.dry_penalty_last_n != 0; }

  /// If the last n tokens, n >= allowed_length, were there before, the token that then followed loses
  /// multiplier * base^(n - allowed_length). `scratch` [n_vocab] holds zeros before and after.
  void apply(std::span<float> logits, std::span<const Token> history, std::span<uint32_t> scratch);

 private:
  DryParams params_;
  std::vector<bool> breakers_;
  std::vector<uint32_t> match_;
};

}  // namespace halcyon::engine
