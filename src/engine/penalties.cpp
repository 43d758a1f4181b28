#include "engine/penalties.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace halcyon::engine {

bool active(const PenaltyParams& params) {
  return params.repeat_last_n != 0 &&
         (params.repeat_penalty != 1 || params.presence_penalty != 0 || params.frequency_penalty != 0);
}

void penalize(std::span<float> logits, std::span<const Token> history, const PenaltyParams& params,
              std::span<uint32_t> scratch) {
  const std::span<const Token> window = last(history, params.repeat_last_n);
  for (const Token t : window) ++scratch[static_cast<size_t>(t)];
  for (const Token t : window) {
    const uint32_t count = std::exchange(scratch[static_cast<size_t>(t)], 0);
    float& logit = logits[static_cast<size_t>(t)];
    if (count == 0 || !std::isfinite(logit)) continue;  // done already, or banned
    double changed = logit;
    changed = changed > 0 ? changed / params.repeat_penalty : changed * params.repeat_penalty;
    changed -=
        static_cast<double>(params.presence_penalty) + static_cast<double>(params.frequency_penalty) * count;
    logit = finite_logit(changed);
  }
}

float finite_logit(double logit) {
  constexpr double max = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(logit, -max, max));
}

std::span<const Token> last(std::span<const Token> history, int32_t n) {
  return n < 0 || static_cast<size_t>(n) >= history.size() ? history : history.last(static_cast<size_t>(n));
}

}  // namespace halcyon::engine
