// Attention over a block of an f32 or f16 KV cache, in float.
#pragma once

#include "backend/cpu/attention_rows-inl.h"

namespace halcyon::cpu::attention {

/// The part of a block of a KV head that some rows see. Element: float, or uint16_t for float16.
template <class S, class Element>
class FloatBlock {
  using F = typename S::F;
  using L = typename S::Lanes;
  using LF = typename L::F;

 public:
  struct Queries {
    alignas(64) float q[kRows * kRowStride];  ///< [rows, padded_dim], scaled
  };

  static void set_query(const KvLayer& cache, const float* q, float scale, int32_t r, Queries& queries) {
    const int32_t width = cache.padded_dim();
    for (int32_t d = 0; d < width; d += 16)
      S::store(queries.q + r * kRowStride + d,
               S::mul(S::set1(scale), S::load_n(q + d, smaller(16, cache.head_dim - d))));
  }

  /// Writes key and value of one position and KV head.
  static void store(const float* k, const float* v, const KvLayer& cache, std::byte* head, int32_t at) {
    auto* keys = reinterpret_cast<Element*>(head) + at;
    auto* values = reinterpret_cast<Element*>(head + cache.v) + int64_t{at} * cache.padded_dim();
    for (int32_t d = 0; d < cache.head_dim; d += 16) {
      const int32_t n = smaller(16, cache.head_dim - d);
      Element lanes[16];
      convert(S::load_n(k + d, n), lanes);
      for (int32_t i = 0; i < n; ++i) keys[(d + i) * kBlock] = lanes[i];
      convert(S::load_n(v + d, n), values + d);
    }
  }

  FloatBlock(const KvLayer& cache, const std::byte* head, const std::byte* next, Seen seen)
      : head_dim_(cache.head_dim),
        width_(cache.padded_dim()),
        seen_(seen),
        next_(next),
        next_values_(next + cache.v),
        keys_(reinterpret_cast<const Element*>(head)),
        values_(reinterpret_cast<const Element*>(head + cache.v)) {}

  /// scores[r, j] = q_r . k_j of R rows from r0 on, for all positions of the block.
  template <int R>
  void scores(const Queries& queries, int r0, float* scores) {
    ahead_ = next_;
    constexpr int V = kStrip<S, R>;
    for (int32_t at = 0; at < kBlock; at += V * L::kLanes) {
      LF sum[R][V];
      multiply<R, V, kRowStride>(queries.q + r0 * kRowStride, keys_ + at, kBlock, head_dim_, sum);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) L::store(scores + r * kBlock + at + v * L::kLanes, sum[r][v]);
    }
  }

  /// What add_values() needs to know of weights [n, kBlock] as a whole: nothing.
  void set_weights(const float*, int) {}

  /// acc_r += now_r * sum of weights[r, j] v_j of R rows; the first of them is row r0 of set_weights().
  template <int R>
  void add_values(const float* weights, int r0, const float* now, float* acc) {
    ahead_ = next_values_;
    weights += r0 * kBlock, now += r0;
    for_each_strip<S, R, 128>(0, width_, [&]<int V>(int32_t d) {
      LF sum[R][V];
      multiply<R, V, kBlock>(weights + seen_.lo, values_ + seen_.lo * width_ + d, width_, seen_.hi - seen_.lo,
                             sum);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) {
          float* a = acc + r * kRowStride + d + v * L::kLanes;
          L::store(a, L::fma(L::set1(now[r]), sum[r][v], L::load(a)));
        }
    });
  }

 private:
  static LF load(const Element* p) {
    if constexpr (sizeof(Element) == 4)
      return L::load(p);
    else
      return L::load_f16(p);
  }
  static void convert(F x, Element* out) {
    if constexpr (sizeof(Element) == 4)
      S::store(out, x);
    else
      S::store_f16(out, x);
  }

  /// sum[r, v] = sum over n of x[r, i] y[i, v]. As many bytes as it reads it asks for ahead.
  template <int R, int V, int x_stride>
  [[gnu::always_inline]] void multiply(const float* x, const Element* y, int32_t y_stride, int32_t n,
                                       LF (&sum)[R][V]) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] = L::zero();
    constexpr int kBytes = V * L::kLanes * static_cast<int>(sizeof(Element));
    const std::byte* ahead = ahead_;
    for (int32_t i = 0; i < n; ++i, ++x, y += y_stride, ahead += kBytes) {
#pragma GCC unroll 8
      for (int line = 0; line < kBytes; line += 64) __builtin_prefetch(ahead + line);
      LF lanes[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) lanes[v] = load(y + v * L::kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const LF factor = L::set1(x[r * x_stride]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[r][v] = L::fma(factor, lanes[v], sum[r][v]);
      }
    }
    ahead_ = ahead;
  }

  int32_t head_dim_, width_;
  Seen seen_;
  const std::byte *next_, *next_values_;
  const std::byte* ahead_ = nullptr;  ///< what of the next block is to be asked for
  const Element *keys_, *values_;
};

}  // namespace halcyon::cpu::attention
