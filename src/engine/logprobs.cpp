#include "engine/logprobs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace halcyon::engine {

Logprobs logprobs_of(std::span<const float> logits, Token chosen, int32_t n_top) {
  constexpr float lowest = -std::numeric_limits<float>::infinity();
  float max = lowest;
  for (const float x : logits)
    if (x > max) max = x;  // not so for NaN
  double sum = 0;
  for (const float x : logits)
    if (x >= lowest) sum += std::exp(static_cast<double>(x) - max);
  const double log_sum = max + std::log(sum);
  const auto logprob = [&](Token token) {
    const float x = logits[static_cast<size_t>(token)];
    return x > lowest ? static_cast<float>(x - log_sum) : lowest;
  };

  Logprobs result{.chosen = logprob(chosen), .top = {}};
  std::vector<Token> order;
  order.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    if (logits[i] > lowest) order.push_back(static_cast<Token>(i));
  const size_t n = std::min(order.size(), static_cast<size_t>(std::max(0, n_top)));
  std::ranges::partial_sort(order, order.begin() + static_cast<ptrdiff_t>(n), [&](Token a, Token b) {
    const float x = logits[static_cast<size_t>(a)], y = logits[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  });
  for (const Token token : std::span(order).first(n)) result.top.push_back({token, logprob(token)});
  return result;
}

}  // namespace halcyon::engine
