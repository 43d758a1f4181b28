// Numbers in a range, as decimal digits.
#pragma once

#include <cstdint>
#include <optional>

#include "grammar/rules.h"

namespace halcyon::grammar {

/// Limits of a number; none: up to 19 digits.
struct NumberRange {
  std::optional<int64_t> min;
  std::optional<int64_t> max;
  bool without_min = false;  ///< fractions only: `min` itself is not in the range
  bool without_max = false;
};

/// Whole numbers from min to max.
Expr integers_between(const NumberRange& range);

/// Numbers with up to 20 digits behind the point, and without exponent.
Expr numbers_between(const NumberRange& range);

}  // namespace halcyon::grammar
