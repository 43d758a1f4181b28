#include "grammar/numbers.h"

#include <algorithm>
#include <string>

namespace halcyon::grammar {
namespace {

constexpr uint64_t kLargest = 9'999'999'999'999'999'999u;
constexpr uint32_t kMostDecimals = 20;

Expr digits(uint32_t min, uint32_t max) { return repeat(characters({{'0', '9'}}), min, max); }

Expr digit_between(char first, char last) {
  return characters({{static_cast<char32_t>(first), static_cast<char32_t>(last)}});
}

/// Texts of as many digits as both limits have, which may be missing (no digit is above 9 or below 0).
Expr same_length(std::string_view low, std::string_view high) {
  if (low.empty()) return {};
  const auto rest = static_cast<uint32_t>(low.size() - 1);
  const std::string nines(rest, '9'), zeros(rest, '0');
  if (low[0] == high[0])
    return sequence(digit_between(low[0], low[0]), same_length(low.substr(1), high.substr(1)));
  Expr out = choice();
  char first = low[0], last = high[0];
  if (low.substr(1) != zeros) {
    out.parts.push_back(sequence(digit_between(first, first), same_length(low.substr(1), nines)));
    ++first;
  }
  if (high.substr(1) != nines) {
    out.parts.push_back(sequence(digit_between(last, last), same_length(zeros, high.substr(1))));
    --last;
  }
  if (first <= last) out.parts.push_back(sequence(digit_between(first, last), digits(rest, rest)));
  return out;
}

/// Without leading zeros. Nothing if max is less than min.
Expr unsigned_between(uint64_t min, uint64_t max) {
  Expr out = choice();
  for (uint64_t first = 0, last = 9; first <= max; first = last + 1, last = last * 10 + 9) {
    if (min <= last)
      out.parts.push_back(
          same_length(std::to_string(std::max(min, first)), std::to_string(std::min(max, last))));
    if (last == kLargest) break;
  }
  return out;
}

/// The range is that of absolute values, on one side of 0.
struct Magnitudes {
  uint64_t min = 0;
  uint64_t max = kLargest;
  bool without_min = false;
  bool without_max = false;
};

Expr decimals_between(const Magnitudes& range) {
  Expr out = choice();
  if (range.max < range.min) return out;
  const Expr zeros = optional(sequence(".", repeat("0", 1, kMostDecimals)));
  const Expr not_zero =
      sequence(".", repeat("0", 0, kMostDecimals - 1), characters({{'1', '9'}}), digits(0, kMostDecimals));
  const auto exactly = [](uint64_t value) { return literal(std::to_string(value)); };
  if (range.min == range.max) {
    if (!range.without_min && !range.without_max) out.parts.push_back(sequence(exactly(range.min), zeros));
    return out;
  }
  if (!range.without_min) out.parts.push_back(sequence(exactly(range.min), zeros));
  out.parts.push_back(sequence(exactly(range.min), not_zero));
  if (range.max - range.min > 1)
    out.parts.push_back(sequence(unsigned_between(range.min + 1, range.max - 1),
                                 optional(sequence(".", digits(1, kMostDecimals)))));
  if (!range.without_max) out.parts.push_back(sequence(exactly(range.max), zeros));
  return out;
}

uint64_t magnitude(int64_t value) {
  return value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

/// Both sides of 0, each by `side`. 0 itself is never negative.
template <class Side>
Expr both_signs(const NumberRange& range, Side side) {
  Expr out = choice();
  if (!range.max || *range.max >= 0) {
    Magnitudes positive{.max = range.max ? magnitude(*range.max) : kLargest,
                        .without_max = range.without_max};
    if (range.min && *range.min >= 0) {
      positive.min = magnitude(*range.min);
      positive.without_min = range.without_min;
    }
    out.parts.push_back(side(positive));
  }
  if (!range.min || *range.min < 0) {
    Magnitudes negative{.max = range.min ? magnitude(*range.min) : kLargest,
                        .without_min = true,
                        .without_max = range.without_min};
    if (range.max && *range.max < 0) {
      negative.min = magnitude(*range.max);
      negative.without_min = range.without_max;
    }
    out.parts.push_back(sequence("-", side(negative)));
  }
  return out;
}

}  // namespace

Expr integers_between(const NumberRange& range) {
  return both_signs(range, [](const Magnitudes& side) {
    return unsigned_between(side.min + (side.without_min ? 1 : 0), side.max);
  });
}

Expr numbers_between(const NumberRange& range) { return both_signs(range, decimals_between); }

}  // namespace halcyon::grammar
