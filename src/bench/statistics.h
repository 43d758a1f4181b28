// What repetitions amount to.
#pragma once

#include <span>

namespace halcyon::bench {

struct Statistics {
  double median = 0, mean = 0;
  double deviation = 0;  ///< of a sample (n - 1); 0 for a single value
};

/// Of one value or more.
Statistics statistics(std::span<const double> values);

}  // namespace halcyon::bench
