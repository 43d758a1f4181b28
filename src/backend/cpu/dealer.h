// Deals out the pieces of a call to threads. Each begins with a share of its own, front to back, because long
// streams are read fastest, and then takes pieces from the end of what others still have: a core that others
// use as well, or that is slower, then holds nobody up.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "backend/cpu/step.h"

namespace halcyon::cpu {

/// For one call at a time, in which every thread of the team takes part; ready for the next call when all of
/// them have returned from deal().
class Dealer {
 public:
  explicit Dealer(int32_t n_threads) : shares_(static_cast<size_t>(n_threads)) {}

  /// Calls take(i) for every i < n, each on one of the `part.count` threads; n < 2^32. A thread whose share
  /// nobody knows yet has it to itself.
  template <class F>
  void deal(int64_t n, Part part, const F& take) {
    const auto [begin, end] = part.of(n);
    share(part, 0).store(join(begin, end));
    for (int64_t i; (i = take_first(share(part, 0))) >= 0;) take(i);
    for (int32_t other = 1; other < part.count; ++other)
      for (int64_t i; (i = take_last(share(part, other))) >= 0;) take(i);
  }

 private:
  /// What is left of a thread's share: its first piece in the upper half, and the one behind its last.
  using Left = std::atomic<uint64_t>;
  struct alignas(64) Share {
    Left left{0};
  };

  Left& share(Part part, int32_t other) {
    return shares_[static_cast<size_t>((part.index + other) % part.count)].left;
  }
  static uint64_t join(int64_t begin, int64_t end) {
    return static_cast<uint64_t>(begin) << 32 | static_cast<uint64_t>(end);
  }
  static int64_t take_first(Left& left) {
    for (uint64_t was = left.load();;) {
      const auto begin = static_cast<int64_t>(was >> 32), end = static_cast<int64_t>(was & UINT32_MAX);
      if (begin >= end) return -1;
      if (left.compare_exchange_weak(was, join(begin + 1, end))) return begin;
    }
  }
  static int64_t take_last(Left& left) {
    for (uint64_t was = left.load();;) {
      const auto begin = static_cast<int64_t>(was >> 32), end = static_cast<int64_t>(was & UINT32_MAX);
      if (begin >= end) return -1;
      if (left.compare_exchange_weak(was, join(begin, end - 1))) return end - 1;
    }
  }

  std::vector<Share> shares_;
};

}  // namespace halcyon::cpu
