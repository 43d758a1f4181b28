// Attention over the paged KV cache, block by block of kBlock positions with an online softmax
// (FlashAttention, arXiv:2205.14135), for every ISA.
//
// The result for a token and head is a sum over blocks from the first that it sees to its own, and within a
// block over positions one after the other: its bits depend on the position alone, not on which rows are
// computed together.
#pragma once

#include "backend/cpu/attention.h"
#include "backend/cpu/math-inl.h"

namespace halcyon::cpu {

namespace attention {

/// Rows (a token and a head of one KV head's group) that share each load of keys and values: their sums must
/// fit into the registers.
template <class S>
inline constexpr int kRows = S::kFloatColumns < 8 ? 4 : 8;

/// Lower than any score that counts, and finite, so that differences are numbers.
inline constexpr float kNever = -1e38f;

// How the elements of a cache are stored. kGroup dimensions share a scale if there are any.
template <class S>
struct KvF32 {
  using Element = float;
  static constexpr bool kScaled = false;
  static constexpr int kGroup = kMaxHeadDim;
  static typename S::F load(const float* p) { return S::load(p); }
};
template <class S>
struct KvF16 {
  using Element = uint16_t;
  static constexpr bool kScaled = false;
  static constexpr int kGroup = kMaxHeadDim;
  static typename S::F load(const uint16_t* p) { return S::load_f16(p); }
};
template <class S>
struct KvQ8 {
  using Element = int8_t;
  static constexpr bool kScaled = true;
  static constexpr int kGroup = kKvGroup;
  static typename S::F load(const int8_t* p) { return S::to_float(S::load_i8(p)); }
};

inline int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

/// Sixteen elements, in the type of a float cache.
template <class S, class Element>
inline void convert(typename S::F x, Element* out) {
  if constexpr (sizeof(Element) == 4)
    S::store(out, x);
  else
    S::store_f16(out, x);
}

/// Key and value of one position and KV head, in a float cache.
template <class S, class Element>
inline void store_position(const float* k, const float* v, const KvLayer& cache, std::byte* head,
                           int32_t at) {
  auto* keys = reinterpret_cast<Element*>(head) + at;
  auto* values = reinterpret_cast<Element*>(head + cache.v) + int64_t{at} * cache.padded_dim();
  for (int32_t d = 0; d < cache.head_dim; d += 16) {
    const int32_t n = smaller(16, cache.head_dim - d);
    Element lanes[16];
    convert<S>(S::load_n(k + d, n), lanes);
    for (int32_t i = 0; i < n; ++i) keys[(d + i) * kBlock] = lanes[i];
    convert<S>(S::load_n(v + d, n), values + d);
  }
}

/// Quantises up to kKvGroup elements: codes in -127 … 127 and their scale, max|x| / 127 as float16.
template <class S>
inline uint16_t quantize_group(const float* x, int32_t n, int8_t* codes) {
  using F = typename S::F;
  const F a = S::load_n(x, smaller(n, 16)), b = n > 16 ? S::load_n(x + 16, n - 16) : S::zero();
  const float largest = S::reduce_max(S::max(S::abs(a), S::abs(b)));
  uint16_t half[16];
  S::store_f16(half, S::min(S::set1(largest / 127.0f), S::set1(65504.0f)));
  float scale[16];
  S::store(scale, S::load_f16(half));
  const F inverse = S::set1(scale[0] > 0 ? 1.0f / scale[0] : 0.0f);
  // The scale was rounded, so that a code may come out larger.
  const F low = S::set1(-127.0f), high = S::set1(127.0f);
  S::store_i8(codes, S::to_int(S::min(high, S::max(low, S::mul(a, inverse)))));
  S::store_i8(codes + 16, S::to_int(S::min(high, S::max(low, S::mul(b, inverse)))));
  return half[0];
}

/// Key and value of one position and KV head, in a q8_0 cache.
template <class S>
inline void store_position_q8(const float* k, const float* v, const KvLayer& cache, std::byte* head,
                              int32_t at) {
  auto* keys = reinterpret_cast<int8_t*>(head) + at;
  auto* values = reinterpret_cast<int8_t*>(head + cache.v) + int64_t{at} * cache.padded_dim();
  auto* k_scales = reinterpret_cast<uint16_t*>(head + cache.k_scales) + at;
  auto* v_scales = reinterpret_cast<uint16_t*>(head + cache.v_scales) + at;
  for (int32_t d = 0; d < cache.head_dim; d += kKvGroup, k_scales += kBlock, v_scales += kBlock) {
    const int32_t n = smaller(kKvGroup, cache.head_dim - d);
    int8_t codes[kKvGroup];
    *k_scales = quantize_group<S>(k + d, n, codes);
    for (int32_t i = 0; i < n; ++i) keys[(d + i) * kBlock] = codes[i];
    *v_scales = quantize_group<S>(v + d, n, codes);
    for (int32_t i = 0; i < n; ++i) values[d + i] = codes[i];
  }
}

/// scores[r, j] = q_r . k_j for R rows and all positions of a block.
template <class S, class Kv, int R>
inline void block_scores(const float* q, const KvLayer& cache, const std::byte* head, float* scores) {
  using F = typename S::F;
  constexpr int V = 2 * R <= kRows<S> ? 2 : 1;
  const auto* keys = reinterpret_cast<const typename Kv::Element*>(head);
  const auto* scales = reinterpret_cast<const uint16_t*>(head + cache.k_scales);
  for (int32_t at = 0; at < kBlock; at += 16 * V) {
    F sum[R][V];
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) sum[r][v] = S::zero();
    for (int32_t first = 0; first < cache.head_dim; first += Kv::kGroup) {
      const int32_t end = smaller(cache.head_dim, first + Kv::kGroup);
      F part[R][V];
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) part[r][v] = S::zero();
      for (int32_t d = first; d < end; ++d) {
        F k[V];
        for (int v = 0; v < V; ++v) k[v] = Kv::load(keys + d * kBlock + at + 16 * v);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
          for (int v = 0; v < V; ++v)
            part[r][v] = S::fma(S::set1(q[r * cache.padded_dim() + d]), k[v], part[r][v]);
      }
      for (int v = 0; v < V; ++v) {
        if constexpr (Kv::kScaled) {
          const F s = S::load_f16(scales + first / kKvGroup * kBlock + at + 16 * v);
          for (int r = 0; r < R; ++r) sum[r][v] = S::fma(s, part[r][v], sum[r][v]);
        } else {
          for (int r = 0; r < R; ++r) sum[r][v] = part[r][v];
        }
      }
    }
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) S::store(scores + r * kBlock + at + 16 * v, sum[r][v]);
  }
}

/// acc_r = acc_r * correction_r + sum of weights[r, j] v_j over positions lo <= j < hi, for R rows.
template <class S, class Kv, int R>
inline void block_values(const float* weights, const KvLayer& cache, const std::byte* head, int32_t lo,
                         int32_t hi, const float* correction, float* acc) {
  using F = typename S::F;
  const int32_t width = cache.padded_dim();
  const auto* values = reinterpret_cast<const typename Kv::Element*>(head + cache.v);
  const auto* scales = reinterpret_cast<const uint16_t*>(head + cache.v_scales);
  alignas(64) float scaled[Kv::kScaled ? R * kBlock : 1];
  for (int32_t first = 0; first < width; first += Kv::kGroup) {
    const float* w = weights;
    if constexpr (Kv::kScaled) {
      for (int32_t at = 0; at < kBlock; at += 16) {
        const F s = S::load_f16(scales + first / kKvGroup * kBlock + at);
        for (int r = 0; r < R; ++r)
          S::store(scaled + r * kBlock + at, S::mul(s, S::load(weights + r * kBlock + at)));
      }
      w = scaled;
    }
    const int32_t end = smaller(width, first + Kv::kGroup);
    for (int32_t d = first; d < end; d += 16) {
      F sum[R];
      for (int r = 0; r < R; ++r) sum[r] = S::mul(S::set1(correction[r]), S::load(acc + r * width + d));
      for (int32_t j = lo; j < hi; ++j) {
        const F v = Kv::load(values + j * width + d);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) sum[r] = S::fma(S::set1(w[r * kBlock + j]), v, sum[r]);
      }
      for (int r = 0; r < R; ++r) S::store(acc + r * width + d, sum[r]);
    }
  }
}

/// The running softmax of up to kRows rows of one KV head: maximum, sum, and weighted sum of values so far.
template <class S>
struct Rows {
  int32_t pos[kRows<S>];
  float max[kRows<S>], sum[kRows<S>];
  // [rows, padded_dim] each. The queries are scaled, and copied because rows that are a power of two apart
  // would push each other out of the cache.
  alignas(64) float q[kRows<S> * kMaxHeadDim];
  alignas(64) float acc[kRows<S> * kMaxHeadDim];
};

/// Takes positions lo <= j < hi of a block into rows r … r + R - 1.
template <class S, class Kv, int R>
inline void block_step(const AttentionArgs& args, const std::byte* head, int32_t lo, int32_t hi,
                       Rows<S>& rows, int r0) {
  using F = typename S::F;
  alignas(64) float weights[R * kBlock];
  block_scores<S, Kv, R>(rows.q + r0 * args.cache.padded_dim(), args.cache, head, weights);

  const auto first = S::lanes(), second = S::add_i(first, S::set1_i(16));
  const auto seen = [&](typename S::I lane, F score) {
    return S::where_less(lane, S::set1_i(lo), S::set1(kNever),
                         S::where_less(lane, S::set1_i(hi), score, S::set1(kNever)));
  };
  alignas(64) float correction[16] = {};
  float sums[R];
  for (int r = 0; r < R; ++r) {
    float* w = weights + r * kBlock;
    const F a = seen(first, S::load(w)), b = seen(second, S::load(w + 16));
    const float top = S::reduce_max(S::max(a, b)), before = rows.max[r0 + r];
    const float now = top > before ? top : before;
    const F pa = exp<S>(S::sub(a, S::set1(now))), pb = exp<S>(S::sub(b, S::set1(now)));
    S::store(w, pa);
    S::store(w + 16, pb);
    sums[r] = S::reduce_add(S::add(pa, pb));
    correction[r] = before - now;
    rows.max[r0 + r] = now;
  }
  S::store(correction, exp<S>(S::load(correction)));
  for (int r = 0; r < R; ++r) rows.sum[r0 + r] = rows.sum[r0 + r] * correction[r] + sums[r];
  block_values<S, Kv, R>(weights, args.cache, head, lo, hi, correction,
                         rows.acc + r0 * args.cache.padded_dim());
}

/// The positions lo <= j < hi of a block; none if lo >= hi.
struct Seen {
  int32_t lo, hi;
};

/// Rows first … first + n - 1 of a segment and KV head, counted through tokens and, within a token, the heads
/// of the group.
template <class S, class Kv>
void attend_rows(const AttentionArgs& args, const StepSegment& segment, int32_t h_kv, int32_t first,
                 int32_t n) {
  const KvLayer& cache = args.cache;
  const int32_t group = args.n_head / cache.n_head_kv, width = cache.padded_dim();
  const auto offset = [&](int32_t r) {  // of row r in q and out
    const int64_t token = segment.first_row + (first + r) / group;
    return (token * args.n_head + h_kv * group + (first + r) % group) * cache.head_dim;
  };
  Rows<S> rows;
  for (int32_t r = 0; r < n; ++r) {
    const float* q = args.q + offset(r);
    rows.pos[r] = segment.first_pos + (first + r) / group;
    const float* sink = args.sinks ? args.sinks + h_kv * group + (first + r) % group : nullptr;
    rows.max[r] = sink ? *sink : kNever;
    rows.sum[r] = sink ? 1.0f : 0.0f;
    for (int32_t d = 0; d < width; d += 16) {
      const auto part = S::load_n(q + d, smaller(16, cache.head_dim - d));
      S::store(rows.q + r * width + d, S::mul(S::set1(args.scale), part));
      S::store(rows.acc + r * width + d, S::zero());
    }
  }
  const auto first_seen = [&](int32_t pos) {
    return args.window > 0 && pos >= args.window ? pos - args.window + 1 : 0;
  };
  for (int32_t b = first_seen(rows.pos[0]) / kBlock; b <= rows.pos[n - 1] / kBlock; ++b) {
    const std::byte* head = cache.head(segment.blocks[b], h_kv);
    const auto seen = [&](int32_t r) -> Seen {
      const int32_t start = first_seen(rows.pos[r]) - b * kBlock, end = rows.pos[r] + 1 - b * kBlock;
      return {start > 0 ? start : 0, smaller(end, kBlock)};
    };
    for (int32_t r = 0; r < n;) {
      const auto [lo, hi] = seen(r);
      int32_t same = 1;  // rows that see the same part of the block go together
      while (r + same < n && seen(r + same).lo == lo && seen(r + same).hi == hi) ++same;
      if (lo >= hi) {
        r += same;
      } else if (kRows<S> == 8 && same >= 8) {
        block_step<S, Kv, kRows<S>>(args, head, lo, hi, rows, r), r += 8;
      } else if (same >= 4) {
        block_step<S, Kv, 4>(args, head, lo, hi, rows, r), r += 4;
      } else if (same >= 2) {
        block_step<S, Kv, 2>(args, head, lo, hi, rows, r), r += 2;
      } else {
        block_step<S, Kv, 1>(args, head, lo, hi, rows, r), r += 1;
      }
    }
  }
  for (int32_t r = 0; r < n; ++r) {
    float* out = args.out + offset(r);
    for (int32_t d = 0; d < cache.head_dim; d += 16)
      S::store_n(out + d, S::div(S::load(rows.acc + r * width + d), S::set1(rows.sum[r])),
                 smaller(16, cache.head_dim - d));
  }
}

/// Rows per work item for `threads` threads: fewer than kRows if that divides the work better. Reading a
/// block for an item takes about as long as two rows of arithmetic.
template <class S>
int32_t rows_per_item(const AttentionArgs& args, const Step& step, int32_t threads) {
  const int32_t group = args.n_head / args.cache.n_head_kv;
  int32_t best = kRows<S>;
  int64_t best_cost = INT64_MAX;
  for (int32_t rows = kRows<S>; rows >= 1; rows /= 2) {
    int64_t items = 0;
    for (const StepSegment& s : step.segments) items += (int64_t{s.n_rows} * group + rows - 1) / rows;
    const int64_t rounds = (items * args.cache.n_head_kv + threads - 1) / threads;
    if (rounds * (rows + 2) < best_cost) best = rows, best_cost = rounds * (rows + 2);
  }
  return best;
}

template <class S, class Kv>
void attend_all(const AttentionArgs& args, const Step& step, Part part) {
  const int32_t group = args.n_head / args.cache.n_head_kv;
  const int32_t rows = rows_per_item<S>(args, step, part.count);
  // Items are dealt out in turn: those of later positions take longer.
  int64_t item = 0;
  for (const StepSegment& segment : step.segments)
    for (int32_t h = 0; h < args.cache.n_head_kv; ++h)
      for (int32_t first = 0, n = segment.n_rows * group; first < n; first += rows)
        if (item++ % part.count == part.index)
          attend_rows<S, Kv>(args, segment, h, first, smaller(rows, n - first));
}

}  // namespace attention

/// Writes the step's keys and values into the blocks of their sequences.
template <class S>
void store_kv(const AttentionArgs& args, const Step& step, Part part) {
  const KvLayer& cache = args.cache;
  const auto store = [&](const StepSegment& segment, int32_t row, int32_t h) {
    const int32_t pos = segment.first_pos + row - segment.first_row;
    const int64_t from = (int64_t{row} * cache.n_head_kv + h) * cache.head_dim;
    std::byte* head = cache.head(segment.blocks[pos / kBlock], h);
    const float *k = args.k + from, *v = args.v + from;
    switch (cache.type) {
      case backend::KvType::f32:
        return attention::store_position<S, float>(k, v, cache, head, pos % kBlock);
      case backend::KvType::f16:
        return attention::store_position<S, uint16_t>(k, v, cache, head, pos % kBlock);
      case backend::KvType::q8_0:
        return attention::store_position_q8<S>(k, v, cache, head, pos % kBlock);
    }
  };
  // Head by head, so that threads rarely write into the same cache lines.
  const auto [begin, end] = part.of(int64_t{cache.n_head_kv} * step.n_tokens);
  int64_t item = 0;
  for (int32_t h = 0; h < cache.n_head_kv; ++h)
    for (const StepSegment& segment : step.segments)
      for (int32_t row = 0; row < segment.n_rows; ++row, ++item)
        if (begin <= item && item < end) store(segment, segment.first_row + row, h);
}

/// Softmax attention of the step's queries over their sequences, as program::Attention says.
template <class S>
void attend(const AttentionArgs& args, const Step& step, Part part) {
  switch (args.cache.type) {
    case backend::KvType::f32:
      return attention::attend_all<S, attention::KvF32<S>>(args, step, part);
    case backend::KvType::f16:
      return attention::attend_all<S, attention::KvF16<S>>(args, step, part);
    case backend::KvType::q8_0:
      return attention::attend_all<S, attention::KvQ8<S>>(args, step, part);
  }
}

}  // namespace halcyon::cpu
