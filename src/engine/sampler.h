// Chooses the next token from the logits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/candidates.h"
#include "engine/constraint.h"
#include "engine/dry.h"
#include "engine/penalties.h"
#include "engine/random.h"

namespace halcyon::engine {

/// How tokens are chosen. Names and defaults are llama-server's. In the order in which they act: logit_bias,
/// penalties, DRY, top_k, typical_p, top_p, min_p, temperature.
struct SamplingParams : PenaltyParams, DryParams {
  float temperature = 0.8f;  ///< 0: greedy, the largest logit after bias, penalties and DRY
  int32_t top_k = 40;        ///< 0 or less: off
  float typical_p = 1;       ///< 1: off
  float top_p = 0.95f;       ///< 1: off
  float min_p = 0.05f;       ///< 0: off

  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"",
                                                    "*"};  ///< tokens that contain one of these
  std::vector<std::pair<Token, float>> logit_bias;  ///< added to the logit of a token; -inf: never this token
  std::optional<uint64_t> seed;                     ///< none: a different one each time
};

/// Fails with the name of the first parameter outside its range, what it is and what it may be.
Result<void> validate(const SamplingParams& params, int32_t n_vocab);

class Sampler {
 public:
  /// `dry_breakers[id]` says that a token contains one of the sequence breakers; may be empty.
  static Result<Sampler> create(const SamplingParams& params, int32_t n_vocab,
                                std::vector<bool> dry_breakers = {});

  /// The next token, given its logits [n_vocab] and the tokens so far, those of the prompt included. A NaN is
  /// no choice. With a constraint, if the token drawn is none that it allows another is drawn among those,
  /// which is as if they alone had been there. Fails if there is none at all.
  Result<Token> sample(std::span<const float> logits, std::span<const Token> history,
                       const Constraint* constraint = nullptr);

  uint64_t seed() const { return seed_; }  ///< in use, to repeat what was sampled

 private:
  Sampler(const SamplingParams& params, int32_t n_vocab, std::vector<bool> dry_breakers, uint64_t seed);
  std::optional<Token> draw();  ///< from logits_; nothing if all are NaN or -inf

  SamplingParams params_;
  Dry dry_;
  uint64_t seed_;
  Random random_;
  std::vector<float> logits_;      ///< [n_vocab]
  std::vector<uint32_t> scratch_;  ///< [n_vocab]
  Candidates candidates_;
};

}  // namespace halcyon::engine
