#include "engine/dry.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/penalties.h"

namespace halcyon::engine {

void Dry::apply(std::span<float> logits, std::span<const Token> history, std::span<uint32_t> scratch) {
  const std::span<const Token> window = last(history, params_.dry_penalty_last_n);
  const size_t n = window.size();
  const auto back = [&](size_t i) { return window[n - 1 - i]; };  // the i-th token from the end

  size_t limit = 0;  // no match is longer: a breaker comes before
  while (limit < n && (breakers_.empty() || !breakers_[static_cast<size_t>(back(limit))])) ++limit;

  // match_[i]: how many tokens before the i-th from the end equal the last ones. That is the Z function of
  // the text read backwards, which takes linear time (Gusfield, "Algorithms on Strings, Trees and
  // Sequences", 1.4).
  match_.assign(n, 0);
  const auto allowed = static_cast<uint32_t>(params_.dry_allowed_length);
  size_t left = 0, right = 0;  // the match that reached furthest
  for (size_t i = 1; i < n; ++i) {
    size_t length = i < right ? std::min<size_t>(right - i, match_[i - left]) : 0;
    while (length < limit && i + length < n && back(length) == back(i + length)) ++length;
    match_[i] = static_cast<uint32_t>(length);
    if (i + length > right) left = i, right = i + length;
    uint32_t& longest = scratch[static_cast<size_t>(back(i - 1))];
    if (length > 0 && length >= allowed) longest = std::max(longest, match_[i]);
  }

  for (const Token t : window) {
    const uint32_t length = std::exchange(scratch[static_cast<size_t>(t)], 0);
    float& logit = logits[static_cast<size_t>(t)];
    if (length == 0 || !std::isfinite(logit)) continue;
    const double growth =
        std::pow(static_cast<double>(params_.dry_base), static_cast<double>(length - allowed));
    logit = finite_logit(logit - params_.dry_multiplier * growth);
  }
}

}  // namespace halcyon::engine
