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

/// Calls f<R>(r) for rows first … first + n - 1, R = `most` or a smaller power of two of them at a time.
template <int most>
[[gnu::always_inline]] inline void for_each_rows(int32_t first, int32_t n, auto f) {
  const int32_t end = first + n;
  for (; end - first >= most; first += most) f.template operator()<most>(first);
  if constexpr (most > 1) for_each_rows<most / 2>(first, end - first, f);
}

/// Calls f<V>(d), V registers of dimensions at a time but no more than `most` dimensions, from d = begin to
/// `end`; their difference is a multiple of 16.
template <class S, int R, int most>
[[gnu::always_inline]] inline void for_each_strip(int32_t begin, int32_t end, auto f) {
  using L = typename S::Lanes;
  constexpr int V = smaller(2 * kTogether<S> / R, most / L::kLanes);
  for (; end - begin >= V * L::kLanes; begin += V * L::kLanes) f.template operator()<V>(begin);
  for (; begin < end; begin += 16) f.template operator()<16 / L::kLanes>(begin);
}

/// x[n … 15] become what x[0 … n - 1] are, n a power of two.
template <int n, class F>
[[gnu::always_inline]] inline void repeat(F* x) {
#pragma GCC unroll 16
  for (int i = n; i < 16; ++i) x[i] = x[i % n];
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
/// the row in this block; 0 where it does not see a position. Rows' maxima and sums are brought up to date:
/// what a row had is to be multiplied with `before`, what comes from the block with `now`, for [R].
template <class S, int R>
inline void weigh(Seen seen, Rows& rows, int r0, float* scores, float* before, float* now) {
  using F = typename S::F;
  const auto first = S::lanes(), second = S::add_i(first, S::set1_i(16));
  const auto mask = [&](typename S::I lane, F score) {
    return S::where_less(lane, S::set1_i(seen.lo), S::set1(kNever),
                         S::where_less(lane, S::set1_i(seen.hi), score, S::set1(kNever)));
  };
  F each[16];
  if (seen != Seen{0, kBlock})
    for (float* w = scores; w < scores + R * kBlock; w += kBlock) {
      S::store(w, mask(first, S::load(w)));
      S::store(w + 16, mask(second, S::load(w + 16)));
    }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    each[r] = S::max(S::load(scores + r * kBlock), S::load(scores + r * kBlock + 16));
  repeat<R>(each);
  alignas(64) float tops[16];
  const F top = S::reduce_max_each(each);
  S::store(tops, top);
#pragma GCC unroll 1
  for (int r = 0; r < R; ++r) {
    float* w = scores + r * kBlock;
    const F a = exp<S>(S::sub(S::load(w), S::set1(tops[r]))),
            b = exp<S>(S::sub(S::load(w + 16), S::set1(tops[r])));
    S::store(w, a);
    S::store(w + 16, b);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    each[r] = S::add(S::load(scores + r * kBlock), S::load(scores + r * kBlock + 16));
  repeat<R>(each);
  const F was = S::load_n(rows.max + r0, R), is = S::max(top, was);
  const F of_before = exp<S>(S::sub(was, is)), of_now = exp<S>(S::sub(top, is));
  S::store_n(before, of_before, R);
  S::store_n(now, of_now, R);
  const F sum = S::mul(S::load_n(rows.sum + r0, R), of_before);
  S::store_n(rows.sum + r0, S::fma(S::reduce_add_each(each), of_now, sum), R);
  S::store_n(rows.max + r0, is, R);
}

}  // namespace halcyon::cpu::attention
