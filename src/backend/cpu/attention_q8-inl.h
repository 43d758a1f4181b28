// Attention over a block of a q8_0 KV cache, in integers. Queries and weights are rounded to 16 bits, so that
// vpmaddwd or vpdpwssd multiplies twice as many of them with a cached code as a float instruction could, and
// sums are exact. A query is rounded to 2^-16 of its largest element; codes are rounded to 2^-8. A row's
// weights share one scale in a block: each is multiplied with its value's scale relative to the largest of
// its group of dimensions, and rounded to 2^-16 of the row's largest such product over all groups. So where
// the position that dominates a block has tiny values in one group only, small weights lose bits there.
// (Weights of 8 bits would do for vpdpbusd, but lose the many small ones beside a large one:
// docs/PERFORMANCE.md.)
#pragma once

#include "backend/cpu/attention_rows-inl.h"

namespace halcyon::cpu::attention {

/// The part of a block of a KV head that some rows see.
template <class S>
class Q8Block {
  using F = typename S::F;
  using I = typename S::I;
  using L = typename S::Lanes;
  using LF = typename L::F;
  using LI = typename L::I;
  static constexpr float kMax16 = 32767;
  static constexpr int kMaxGroups = kMaxHeadDim / kKvGroup;

 public:
  struct Queries {
    alignas(64) int16_t q[kRows * kRowStride];  ///< [rows, padded_dim]
    float scale[kRows];
  };

  static void set_query(const KvLayer& cache, const float* q, float scale, int32_t r, Queries& queries) {
    const int32_t width = cache.padded_dim();
    const auto part = [&](int32_t d) { return S::load_n(q + d, smaller(16, cache.head_dim - d)); };
    F top = S::zero(), nothing = S::zero();
    for (int32_t d = 0; d < width; d += 16) {
      top = S::max(S::abs(part(d)), top);
      nothing = S::fma(part(d), S::zero(), nothing);  // but not a number if one of them is not
    }
    const float largest = S::reduce_max(top);
    const F inverse = S::set1(largest > 1e-30f ? kMax16 / largest : 0.0f);
    queries.scale[r] = largest * scale / kMax16 + S::reduce_add(nothing);
    for (int32_t d = 0; d < width; d += 16)
      S::store_i16(queries.q + r * kRowStride + d, S::to_int(S::mul(part(d), inverse)));
  }

  /// Writes key and value of one position and KV head.
  static void store(const float* k, const float* v, const KvLayer& cache, std::byte* head, int32_t at) {
    auto* keys = reinterpret_cast<int8_t*>(head) + 2 * at;
    auto* values =
        reinterpret_cast<int8_t*>(head + cache.v) + int64_t{at / 2} * 2 * cache.padded_dim() + at % 2;
    auto* k_scales = reinterpret_cast<uint16_t*>(head + cache.k_scales) + at;
    auto* v_scales = reinterpret_cast<uint16_t*>(head + cache.v_scales) + at;
    for (int32_t d = 0; d < cache.head_dim; d += kKvGroup, k_scales += kBlock, v_scales += kBlock) {
      const int32_t n = smaller(kKvGroup, cache.head_dim - d);
      int8_t codes[kKvGroup];
      *k_scales = quantize_group(k + d, n, codes);
      for (int32_t i = 0; i < n; ++i) keys[(d + i) / 2 * 2 * kBlock + (d + i) % 2] = codes[i];
      *v_scales = quantize_group(v + d, n, codes);
      for (int32_t i = 0; i < n; ++i) values[2 * (d + i)] = codes[i];
    }
  }

  Q8Block(const KvLayer& cache, const std::byte* head, const std::byte* next, Seen seen)
      : head_dim_(cache.head_dim),
        width_(cache.padded_dim()),
        next_keys_(next),
        next_values_(next + cache.v),
        keys_(reinterpret_cast<const int8_t*>(head)),
        values_(reinterpret_cast<const int8_t*>(head + cache.v)),
        k_scales_(reinterpret_cast<const uint16_t*>(head + cache.k_scales)) {
    const auto* scales = reinterpret_cast<const uint16_t*>(head + cache.v_scales);
    const I first = S::lanes(), second = S::add_i(first, S::set1_i(16));
    const auto seen_or_zero = [&](I lane, F x) {
      return S::where_less(lane, S::set1_i(seen.lo), S::zero(),
                           S::where_less(lane, S::set1_i(seen.hi), x, S::zero()));
    };
    F largest_a = S::zero(), largest_b = S::zero();
    for (int32_t g = 0; g * kKvGroup < head_dim_; ++g, scales += kBlock) {
      F a = S::load_f16(scales), b = S::load_f16(scales + 16);
      if (seen != Seen{0, kBlock}) a = seen_or_zero(first, a), b = seen_or_zero(second, b);
      const F nothing = S::mul(S::add(a, b), S::zero());  // but not a number if one of them is not
      const float top = S::reduce_max(S::max(a, S::max(b, S::zero())));
      v_top_[g] = top + S::reduce_add(nothing);
      const F inverse = S::set1(top > 0 ? 1.0f / top : 0.0f);
      a = S::mul(a, inverse), b = S::mul(b, inverse);
      S::store(v_scales_ + g * kBlock, a);
      S::store(v_scales_ + g * kBlock + 16, b);
      largest_a = S::max(a, largest_a), largest_b = S::max(b, largest_b);
      constexpr int kScaleBytes = kBlock * sizeof(uint16_t);
      __builtin_prefetch(next + cache.k_scales + g * kScaleBytes);
      __builtin_prefetch(next + cache.v_scales + g * kScaleBytes);
    }
    S::store(v_largest_, largest_a);
    S::store(v_largest_ + 16, largest_b);
  }

  /// scores[r, j] = q_r . k_j of R rows from r0 on, for all positions of the block.
  template <int R>
  void scores(const Queries& queries, int r0, float* scores) {
    ahead_ = next_keys_;
    for (int i = 0; i < R * kBlock; i += 16) S::store(scores + i, S::zero());
    const int16_t* q = queries.q + r0 * kRowStride;
    for_each_group<kSideBySide<R, kStrip<S, R>>>(
        head_dim_, [&]<int G>(int32_t first) { add_scores<G, R>(q, first, scores); });
    for (int r = 0; r < R; ++r)
      for (float *s = scores + r * kBlock, *end = s + kBlock; s < end; s += 16)
        S::store(s, S::mul(S::set1(queries.scale[r0 + r]), S::load(s)));
  }

  /// What makes integers of weights [n, kBlock] times the scales of values, for each row: the largest
  /// product becomes kMax16.
  void set_weights(const float* weights, int n) {
    for_each_rows<16>(0, n, [&]<int R>(int r0) {
      const F a = S::load(v_largest_), b = S::load(v_largest_ + 16);
      F each[16];
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const float* w = weights + (r0 + r) * kBlock;
        each[r] = S::max(S::mul(a, S::load(w)), S::mul(b, S::load(w + 16)));
      }
      repeat<R>(each);
      // None is negative, so that they compare as integers; max() drops what is not a number.
      const F least = S::set1(1e-30f), largest = S::max(S::reduce_max_each(each), least);
      S::store_n(
          inverse_ + r0,
          S::where_less(S::as_int(least), S::as_int(largest), S::div(S::set1(kMax16), largest), S::zero()),
          R);
      S::store_n(scale_ + r0, S::div(largest, S::set1(kMax16)), R);
    });
  }

  /// acc_r += now_r * sum of weights[r, j] v_j of R rows; the first of them is row r0 of set_weights().
  template <int R>
  void add_values(const float* weights, int r0, const float* now, float* acc) {
    ahead_ = next_values_;
    constexpr int V = kKvGroup / L::kLanes;
    for_each_group<kSideBySide<R, V>>(width_, [&]<int G>(int32_t first) {
      add_groups<G, R>(first, weights + r0 * kBlock, r0, now + r0, acc);
    });
  }

 private:
  /// Quantises up to kKvGroup elements: codes in -127 … 127 and their scale, max|x| / 127 as float16; NaN if
  /// one of them is not finite.
  static uint16_t quantize_group(const float* x, int32_t n, int8_t* codes) {
    const F a = S::load_n(x, smaller(n, 16)), b = n > 16 ? S::load_n(x + 16, n - 16) : S::zero();
    const float largest = S::reduce_max(S::max(S::abs(a), S::abs(b)));
    uint16_t half[16];
    const F nothing = S::set1(S::reduce_add(S::mul(S::add(a, b), S::zero())));
    S::store_f16(half, S::add(nothing, S::min(S::set1(largest / 127.0f), S::set1(65504.0f))));
    float scale[16];
    S::store(scale, S::load_f16(half));
    const F inverse = S::set1(scale[0] > 0 ? 1.0f / scale[0] : 0.0f);
    // The scale was rounded, so that a code may come out larger.
    const F low = S::set1(-127.0f), high = S::set1(127.0f);
    S::store_i8(codes, S::to_int(S::min(high, S::max(low, S::mul(a, inverse)))));
    S::store_i8(codes + 16, S::to_int(S::min(high, S::max(low, S::mul(b, inverse)))));
    return half[0];
  }

  /// Calls f<G>(first) for groups of dimensions from `first` on: G = most while there are as many whole ones,
  /// then one by one.
  template <int most>
  [[gnu::always_inline]] static void for_each_group(int32_t width, auto f) {
    int32_t first = 0;
    if constexpr (most > 1)
      for (; width - first >= most * kKvGroup; first += most * kKvGroup) f.template operator()<most>(first);
    for (; first < width; first += kKvGroup) f.template operator()<1>(first);
  }

  /// Groups of dimensions that R rows and V registers are multiplied with side by side: with few rows a sum
  /// alone would wait for itself.
  template <int R, int V>
  static constexpr int kSideBySide = R* V < 2 * kTogether<S> ? smaller(4, 2 * kTogether<S> / (R * V)) : 1;

  /// sum[g, r, v] = sum over n pairs of x[g, r, i] y[g, i, v]. As many bytes as it reads it asks for ahead.
  template <int G, int R, int V, int x_stride>
  [[gnu::always_inline]] void multiply(const int16_t* x, int32_t x_group, const int8_t* y, int32_t y_group,
                                       int32_t y_stride, int32_t n, LI (&sum)[G][R][V]) {
    constexpr int kBytes = 2 * L::kLanes;
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g)
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[g][r][v] = L::set1_i(0);
    const std::byte* ahead = ahead_;
#pragma GCC unroll 1
    for (int32_t i = 0; i < n; ++i, x += 2, y += y_stride, ahead += G * V * kBytes) {
#pragma GCC unroll 8
      for (int line = 0; line < G * V * kBytes; line += 64) __builtin_prefetch(ahead + line);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) {
        LI codes[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) codes[v] = L::load_i8_pairs(y + g * y_group + v * kBytes);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          const LI factors = L::broadcast_word(x + g * x_group + r * x_stride);
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) sum[g][r][v] = L::madd_i16(factors, codes[v], sum[g][r][v]);
        }
      }
    }
    ahead_ = ahead;
  }

  /// Adds the products of G groups of dimensions from `first` on to scores.
  template <int G, int R>
  [[gnu::always_inline]] void add_scores(const int16_t* q, int32_t first, float* scores) {
    const int32_t pairs = (smaller(head_dim_ - first, kKvGroup) + 1) / 2;
    constexpr int V = kStrip<S, R>;
    for (int32_t at = 0; at < kBlock; at += V * L::kLanes) {
      LI sum[G][R][V];
      multiply<G, R, V, kRowStride>(q + first, kKvGroup, keys_ + first * kBlock + 2 * at, kKvGroup * kBlock,
                                    2 * kBlock, pairs, sum);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g)
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          const LF k_scale = L::load_f16(k_scales_ + (first / kKvGroup + g) * kBlock + at + v * L::kLanes);
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) {
            float* s = scores + r * kBlock + at + v * L::kLanes;
            L::store(s, L::fma(k_scale, L::to_float(sum[g][r][v]), L::load(s)));
          }
        }
    }
  }

  /// Adds the products with G groups of values from dimension `begin` on to acc.
  template <int G, int R>
  [[gnu::always_inline]] void add_groups(int32_t begin, const float* weights, int r0, const float* now,
                                         float* acc) {
    alignas(64) int16_t w[G * R * kBlock];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      const float* v_scales = v_scales_ + (begin / kKvGroup + g) * kBlock;
      const F a = S::load(v_scales), b = S::load(v_scales + 16);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const F factor = S::set1(inverse_[r0 + r]);
        const auto code = [&](F v_scale, int j) {
          return S::to_int(S::mul(v_scale, S::mul(factor, S::load(weights + r * kBlock + j))));
        };
        S::store_i16(w + (g * R + r) * kBlock, code(a, 0));
        S::store_i16(w + (g * R + r) * kBlock + 16, code(b, 16));
      }
    }
    for_each_strip<S, R, kKvGroup>(begin, smaller(width_, begin + kKvGroup), [&]<int V>(int32_t d) {
      LI sum[G][R][V];
      multiply<G, R, V, kBlock>(w, R * kBlock, values_ + 2 * d, 2 * kKvGroup, 2 * width_, kBlock / 2, sum);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g)
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          const LF factor = L::set1(now[r] * scale_[r0 + r] * v_top_[begin / kKvGroup + g]);
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) {
            float* out = acc + r * kRowStride + d + g * kKvGroup + v * L::kLanes;
            L::store(out, L::fma(factor, L::to_float(sum[g][r][v]), L::load(out)));
          }
        }
    });
  }

  int32_t head_dim_, width_;
  const std::byte *next_keys_, *next_values_;
  const std::byte* ahead_ = nullptr;  ///< what of the next block is to be asked for
  const int8_t *keys_, *values_;
  const uint16_t* k_scales_;
  float v_top_[kMaxGroups];  ///< the largest scale of each group that is seen; NaN if one of them is
  /// [groups, kBlock] scales as parts of the largest, 0 for what is not seen; and of all groups the largest
  alignas(64) float v_scales_[kMaxGroups * kBlock], v_largest_[kBlock];
  float inverse_[kRows], scale_[kRows];  ///< of set_weights()
};

}  // namespace halcyon::cpu::attention
