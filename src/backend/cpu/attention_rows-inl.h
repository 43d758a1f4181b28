// What the attention kernels for all kinds of KV cache share: the running softmax of the rows of a work item.
#pragma once

#include "backend/cpu/attention.h"
#include "backend/cpu/math-inl.h"

namespace halcyon::cpu::attention {

constexpr int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

/// Rows (a token and a head of one KV head's group) of a work item: they meet a block while it is in the
/// first cache.
inline constexpr int kRows = 32;

/// Rows that share each load of keys and values: their sums must fit into the registers.
template <class S>
inline constexpr int kTogether = S::kFloatColumns < 8 ? 4 : 8;

/// Elements from row to row, of queries and sums: a constant, so that rows need no pointer each, and no power
/// of two, so that they do not push each other out of the cache.
inline constexpr int kRowStride = kMaxHeadDim + 32;

/// Registers of positions that R rows are multiplied with at once: as many as there are registers for their
/// sums, and no more than a block has.
template <class S, int R>
inline constexpr int kStrip = smaller(2 * kTogether<S> / R, kBlock / S::Lanes::kLanes);

/// Calls f<V>(d), V registers of dimensions at a time but no more than `most` dimensions, from d = begin to
/// `end`; their difference is a multiple of 16.
template <class S, int R, int most>
[[gnu::always_inline]] inline void for_each_strip(int32_t begin, int32_t end, auto f) {
  using L = typename S::Lanes;
  constexpr int V = smaller(2 * kTogether<S> / R, most / L::kLanes);
  for (; end - begin >= V * L::kLanes; begin += V * L::kLanes) f.template operator()<V>(begin);
  for (; begin < end; begin += 16) f.template operator()<16 / L::kLanes>(begin);
}

/// Lower than any score that counts, and finite, so that differences are numbers.
inline constexpr float kNever = -1e38f;

/// The positions lo <= j < hi of a block; none if lo >= hi.
struct Seen {
  int32_t lo, hi;
  bool operator==(const Seen&) const = default;
};

/// The running softmax of rows of one KV head: maximum, sum, and weighted sum of values so far.
struct Rows {
  float max[kRows], sum[kRows];
  alignas(64) float acc[kRows * kRowStride];  ///< [rows, padded_dim]
};

/// Scores of a block, [R, kBlock], become weights of rows r0 … r0 + R - 1, relative to the largest score of
/// the row in this block; 0 where it does not see a position. What the rows had is to be multiplied with
/// `before`, what comes from the block with `now` [16], 0 beyond R; rows' maxima and sums are up to date.
template <class S, int R>
inline void weigh(Seen seen, Rows& rows, int r0, float* scores, float* before, float* now) {
  using F = typename S::F;
  static_assert(2 * R <= 16);
  const auto first = S::lanes(), second = S::add_i(first, S::set1_i(16));
  const auto mask = [&](typename S::I lane, F score) {
    return S::where_less(lane, S::set1_i(seen.lo), S::set1(kNever),
                         S::where_less(lane, S::set1_i(seen.hi), score, S::set1(kNever)));
  };
  alignas(64) float factors[16] = {};
  float sums[R];
  for (int r = 0; r < R; ++r) {
    float* w = scores + r * kBlock;
    const F a = mask(first, S::load(w)), b = mask(second, S::load(w + 16));
    const float top = S::reduce_max(S::max(a, b)), was = rows.max[r0 + r];
    const float is = top > was ? top : was;
    const F pa = exp<S>(S::sub(a, S::set1(top))), pb = exp<S>(S::sub(b, S::set1(top)));
    S::store(w, pa);
    S::store(w + 16, pb);
    sums[r] = S::reduce_add(S::add(pa, pb));
    factors[r] = was - is;
    factors[R + r] = top - is;
    rows.max[r0 + r] = is;
  }
  S::store(factors, exp<S>(S::load(factors)));
  S::store(now, S::zero());
  for (int r = 0; r < R; ++r) {
    before[r] = factors[r], now[r] = factors[R + r];
    rows.sum[r0 + r] = rows.sum[r0 + r] * before[r] + sums[r] * now[r];
  }
}

}  // namespace halcyon::cpu::attention
