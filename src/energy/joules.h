// Energy of a stretch of work, and how it is divided among those who did the work together.
#pragma once

#include <cstddef>
#include <optional>

namespace halcyon::energy {

/// Energy of a window of time, in joules.
struct Joules {
  double gross = 0;
  std::optional<double> above_idle;  ///< more than the idle machine would have taken; empty: baseline unknown

  /// A sum is known above idle if both parts are. No joules at all are none above idle.
  Joules& operator+=(const Joules& more) {
    const auto above = [](const Joules& j) { return j.gross == 0 ? std::optional(0.0) : j.above_idle; };
    const auto a = above(*this), b = above(more);
    above_idle = a && b ? std::optional(*a + *b) : std::nullopt;
    gross += more.gross;
    return *this;
  }

  Joules operator*(double factor) const {
    return {gross * factor, above_idle ? std::optional(*above_idle * factor) : std::nullopt};
  }
};

/// Tokens computed, by phase.
struct Work {
  size_t prefill_tokens = 0, decode_tokens = 0;
  size_t tokens() const { return prefill_tokens + decode_tokens; }
};

/// What one request used, by phase.
struct Price {
  Joules prefill, decode;

  /// Adds the request's part of a step that it shared with others: by tokens computed.
  void add(const Joules& step, const Work& of_request, const Work& of_step) {
    if (of_step.tokens() == 0) return;
    const Joules per_token = step * (1 / static_cast<double>(of_step.tokens()));
    prefill += per_token * static_cast<double>(of_request.prefill_tokens);
    decode += per_token * static_cast<double>(of_request.decode_tokens);
  }
};

}  // namespace halcyon::energy
