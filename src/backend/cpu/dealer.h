// Deals out the pieces of a call to threads that come back for more: a core that others use as well, or that
// is slower, then holds nobody up.
#pragma once

#include <atomic>
#include <cstdint>

#include "backend/cpu/step.h"

namespace halcyon::cpu {

/// For one call at a time, in which every thread of the team takes part; ready for the next call when all of
/// them have returned from deal().
class Dealer {
 public:
  /// Calls take(i) for every i < n, each on one of the `part.count` threads.
  template <class F>
  void deal(int64_t n, Part part, const F& take) {
    for (;;) {
      const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i < n) {
        take(i);
        continue;
      }
      // Each thread asks once in vain; the last of them clears the table.
      if (i == n + part.count - 1) next_.store(0, std::memory_order_relaxed);
      return;
    }
  }

 private:
  std::atomic<int64_t> next_{0};
};

}  // namespace halcyon::cpu
