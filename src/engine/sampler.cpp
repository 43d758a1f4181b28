#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace halcyon::engine {
namespace {

Result<void> in_range(std::string_view name, float value, float min, float max) {
  if (value >= min && value <= max) return {};  // not so for NaN
  if (max == std::numeric_limits<float>::max())
    return fail("{} is {}; it must be a finite number from {} on", name, value, min);
  return fail("{} is {}; it must be from {} to {}", name, value, min, max);
}

Result<void> finite(std::string_view name, float value) {
  if (std::isfinite(value)) return {};
  return fail("{} is {}; it must be a finite number", name, value);
}

}  // namespace

Result<void> validate(const SamplingParams& p, int32_t n_vocab) {
  constexpr float max = std::numeric_limits<float>::max();
  CHECK_OK(in_range("temperature", p.temperature, 0, max));
  CHECK_OK(in_range("typical_p", p.typical_p, 0, 1));
  CHECK_OK(in_range("top_p", p.top_p, 0, 1));
  CHECK_OK(in_range("min_p", p.min_p, 0, 1));
  if (!(p.repeat_penalty > 0 && p.repeat_penalty <= max))
    return fail("repeat_penalty is {}; it must be a finite number above 0", p.repeat_penalty);
  CHECK_OK(finite("presence_penalty", p.presence_penalty));
  CHECK_OK(finite("frequency_penalty", p.frequency_penalty));
  if (p.repeat_last_n < -1)
    return fail("repeat_last_n is {}; it must be -1 (all tokens) or more", p.repeat_last_n);
  CHECK_OK(in_range("dry_multiplier", p.dry_multiplier, 0, max));
  CHECK_OK(in_range("dry_base", p.dry_base, 1, max));
  if (p.dry_allowed_length < 0)
    return fail("dry_allowed_length is {}; it must be 0 or more", p.dry_allowed_length);
  if (p.dry_penalty_last_n < -1)
    return fail("dry_penalty_last_n is {}; it must be -1 (all tokens) or more", p.dry_penalty_last_n);
  for (const auto& [token, bias] : p.logit_bias) {
    if (token < 0 || token >= n_vocab)
      return fail("logit_bias names token {}; the vocabulary has 0 to {}", token, n_vocab - 1);
    if (std::isnan(bias) || bias == std::numeric_limits<float>::infinity())
      return fail("logit_bias of token {} is {}; it must be a finite number, or -inf to ban the token", token,
                  bias);
  }
  return {};
}

Sampler::Sampler(const SamplingParams& params, int32_t n_vocab, std::vector<bool> dry_breakers, uint64_t seed)
    : params_(params),
      dry_(params, std::move(dry_breakers)),
      seed_(seed),
      random_(seed),
      logits_(static_cast<size_t>(n_vocab)),
      scratch_(static_cast<size_t>(n_vocab)) {}

Result<Sampler> Sampler::create(const SamplingParams& params, int32_t n_vocab,
                                std::vector<bool> dry_breakers) {
  CHECK_OK(validate(params, n_vocab));
  const uint64_t seed = params.seed ? *params.seed : std::random_device{}();
  return Sampler(params, n_vocab, std::move(dry_breakers), seed);
}

Result<Token> Sampler::sample(std::span<const float> logits, std::span<const Token> history,
                              const Constraint* constraint) {
  if (logits.size() != logits_.size())
    return fail("{} logits for a vocabulary of {}", logits.size(), logits_.size());
  std::ranges::copy(logits, logits_.begin());

  for (const auto& [token, bias] : params_.logit_bias) {
    float& logit = logits_[static_cast<size_t>(token)];
    if (std::isinf(bias)) {
      logit = -std::numeric_limits<float>::infinity();
    } else if (std::isfinite(logit)) {
      logit = finite_logit(static_cast<double>(logit) + bias);
    }
  }
  if (active(params_)) penalize(logits_, history, params_, scratch_);
  if (dry_.active()) dry_.apply(logits_, history, scratch_);

  const std::optional<Token> token = draw();
  if (!token) return fail("no token can be chosen after {}: every logit is NaN or -inf", history.size());
  if (!constraint || constraint->allows(*token)) return *token;
  constraint->mask(logits_);
  const std::optional<Token> allowed = draw();
  if (allowed && !(constraint->over_limit() && constraint->ends(*allowed))) return *allowed;
  if (constraint->over_limit())
    return fail(
        "the grammar is too ambiguous, or nested too deep, to go on after {} tokens: write it with fewer "
        "ways "
        "to read the same text",
        history.size());
  return fail("no token of the vocabulary continues what the grammar asks for");
}

std::optional<Token> Sampler::draw() {
  const bool greedy = params_.temperature == 0;
  const size_t k = greedy ? 1 : params_.top_k > 0 ? static_cast<size_t>(params_.top_k) : logits_.size();
  candidates_.assign(logits_, k);
  if (candidates_.empty()) return std::nullopt;
  if (greedy) return candidates_.items().front().id;
  if (params_.typical_p < 1) candidates_.typical(params_.typical_p);
  if (params_.top_p < 1) candidates_.top_p(params_.top_p);
  if (params_.min_p > 0) candidates_.min_p(params_.min_p);
  return candidates_.draw(params_.temperature, random_.uniform());
}

}  // namespace halcyon::engine
