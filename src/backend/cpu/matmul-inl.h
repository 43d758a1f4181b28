// Matrix products with packed weights: one loop for all quantised formats, one for the float ones.
//
// Every result is one running sum over the input dimension, front to back, in one lane: its bits depend
// neither on how many columns are computed together nor on which thread does it. Sums over up to 32 products
// of codes are integers, and exact.
#pragma once

#include <cstdint>

#include "backend/cpu/formats/all.h"
#include "backend/cpu/matmul.h"
#include "backend/cpu/row_parts.h"

namespace halcyon::cpu {

/// Quantises a row of n floats, n a multiple of 32, to QuantizedGroups: scale = max|x| / 127, codes to
/// nearest even. A group with an infinity or a NaN gets the scale NaN, and so does every product.
template <class S>
void quantize_row(const float* x, int64_t n, void* row) {
  using F = typename S::F;
  auto* group = static_cast<QuantizedGroup*>(row);
  for (int64_t g = 0; g < n / 32; ++g, ++group) {
    const F a = S::load(x + 32 * g), b = S::load(x + 32 * g + 16);
    const float largest = S::reduce_max(S::max(S::abs(a), S::abs(b)));
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    const float nothing = S::reduce_add(S::add(S::sub(a, a), S::sub(b, b)));  // 0, or NaN
    const auto code = [&](F x_) {  // max() and min() drop a NaN in their first operand
      return S::to_int(S::min(S::max(S::mul(x_, S::set1(inverse)), S::set1(-127)), S::set1(127)));
    };
    const typename S::I qa = code(a), qb = code(b);
    S::store_u8(group->codes, S::add_i(qa, S::set1_i(128)));
    S::store_u8(group->codes + 16, S::add_i(qb, S::set1_i(128)));
    const float sa = S::reduce_add(S::to_float(qa)), sb = S::reduce_add(S::to_float(qb));  // exact: < 2^24
    group->sum[0] = sa + sb, group->sum[1] = sa, group->sum[2] = sb;
    group->scale = largest / 127.0f + nothing;
  }
}

/// Weights are asked for this many bytes before they are used (docs/PERFORMANCE.md): with many columns that
/// takes longer, and what comes too early pushes out what the columns need.
inline constexpr int kAheadOfOne = 16384, kAheadOfMany = 1024;

/// Scales, and what is subtracted, of group g of 32 inputs of a block.
template <class P, class Format>
struct Scales {
  static constexpr int kParts = 32 / Format::kGroup;  ///< that have a scale of their own
  typename P::F scale[kParts], minimum[kParts];

  template <class Rows>
  [[gnu::always_inline]] void load(const uint8_t* block, int g) {
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) {
      scale[p] = Format::template scale<Rows>(block, kParts * g + p);
      if constexpr (Format::kHasMinimum) minimum[p] = Format::template minimum<Rows>(block, kParts * g + p);
    }
  }

  /// sum + the product of the group with 32 activations; dots: those of the codes, for each part.
  [[gnu::always_inline]] typename P::F add(const typename P::I* dots, typename P::F x_scale,
                                           const typename P::F* x_sum, typename P::F sum) const {
    typename P::F t = P::mul(P::to_float(dots[0]), scale[0]);
    if constexpr (kParts == 2) t = P::fma(P::to_float(dots[1]), scale[1], t);
    if constexpr (Format::kHasMinimum)
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) t = P::nfma(minimum[p], x_sum[p], t);
    return P::fma(t, x_scale, sum);
  }
};

/// Group g of 32 inputs of a block, of the rows that one register has, ready to be multiplied.
template <class P, class Format>
struct Unpacked {
  static constexpr int kParts = 32 / Format::kGroup, kWords = Format::kGroup / 4;
  typename P::template Codes<Format::kMaxCode> codes;
  typename P::I correction[kParts];  ///< what the 128 in the activations' codes adds, negated
  Scales<P, Format> scales;

  template <class Rows>
  [[gnu::always_inline]] void load(const uint8_t* block, int g) {
    typename P::I loaded[8];
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) Format::template codes<Rows>(block, kParts * g + p, loaded + kWords * p);
#pragma GCC unroll 8
    for (int w = 0; w < 8; ++w) codes.set(w, loaded[w]);
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) correction[p] = codes.template correction<kWords>(kWords * p);
    scales.template load<Rows>(block, g);
  }
};

/// Asks for the memory that lies `ahead` bytes behind group g of a block, once `after` is known.
template <class P, class Format, int ahead>
[[gnu::always_inline]] inline void prefetch_group(const uint8_t* block, int g, typename P::F& after) {
  constexpr int kGroupBytes = Format::kBytes / (Format::kBlock / 32);
#pragma GCC unroll 16
  for (int line = 0; line < kGroupBytes; line += 64)
    P::prefetch(block + g * kGroupBytes + line + ahead, after);
}

/// Adds the products of R registers of rows with one group of C columns to sum, [C, R].
template <class P, class Format, int R, int C>
[[gnu::always_inline]] inline void add_products(const Unpacked<P, Format>* rows,
                                                const QuantizedGroup* const* x, int64_t group,
                                                typename P::F* sum) {
  using Row = Unpacked<P, Format>;
  typename P::I activations[C][8];
  typename P::F x_scale[C], x_sum[C][Row::kParts];
#pragma GCC unroll 2
  for (int c = 0; c < C; ++c) {
    const QuantizedGroup& g = x[c][group];
#pragma GCC unroll 8
    for (int w = 0; w < 8; ++w)
      activations[c][w] = decltype(Row::codes)::activations(P::broadcast_word(g.codes + 4 * w));
    x_scale[c] = P::set1(g.scale);
    if constexpr (Format::kHasMinimum)
#pragma GCC unroll 2
      for (int p = 0; p < Row::kParts; ++p) x_sum[c][p] = P::set1(g.sum[Row::kParts == 1 ? 0 : p + 1]);
  }
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
    typename P::I dots[C][Row::kParts];
#pragma GCC unroll 2
    for (int p = 0; p < Row::kParts; ++p) {
      typename P::I sums[C];
#pragma GCC unroll 2
      for (int c = 0; c < C; ++c) sums[c] = rows[r].correction[p];
      rows[r].codes.template dot<Row::kWords, C>(Row::kWords * p, activations, sums);
#pragma GCC unroll 2
      for (int c = 0; c < C; ++c) dots[c][p] = sums[c];
    }
#pragma GCC unroll 2
    for (int c = 0; c < C; ++c)
      sum[c * R + r] = rows[r].scales.add(dots[c], x_scale[c], x_sum[c], sum[c * R + r]);
  }
}

/// T consecutive tiles times n columns. An ISA whose registers hold fewer than 16 rows takes a tile as
/// several parts; sum: [n, T * parts].
template <class Format, int T, class First, class... P>
[[gnu::always_inline]] inline void multiply_tiles(RowParts<First, P...> parts, const uint8_t* tiles,
                                                  int64_t tile_bytes, int64_t n_in,
                                                  const QuantizedGroup* const* x, int n, auto* sum) {
  using Lanes = typename First::Lanes;
  constexpr int R = T * parts.kCount;
  for (int i = 0; i < R * n; ++i) sum[i] = First::zero();
  for (int64_t at = 0; at < n_in; at += Format::kBlock, tiles += Format::kBytes) {
    for (int g = 0; g < Format::kBlock / 32; ++g) {
      Unpacked<Lanes, Format> rows[R];
#pragma GCC unroll 1
      for (int t = 0; t < T; ++t) {
        const uint8_t* block = tiles + t * tile_bytes;
        auto* row = rows + t * parts.kCount;
        row->template load<First>(block, g);
        prefetch_group<First, Format, kAheadOfMany>(block, g, row->scales.scale[0]);
        ((++row)->template load<P>(block, g), ...);
      }
      const int64_t group = at / 32 + g;
      int c = 0;
      for (; c + First::kColumns <= n; c += First::kColumns)
        add_products<Lanes, Format, R, First::kColumns>(rows, x + c, group, sum + c * R);
      if constexpr (First::kColumns > 1)
        for (; c < n; ++c) add_products<Lanes, Format, R, 1>(rows, x + c, group, sum + c * R);
    }
  }
}

/// One tile times one column: nothing is used twice, so that nothing has to wait in memory.
template <class Format, class First, class... P>
[[gnu::always_inline]] inline void multiply_tile(RowParts<First, P...> parts, const uint8_t* tile,
                                                 int64_t n_in, const QuantizedGroup* x, auto* sum) {
  using Lanes = typename First::Lanes;
  for (int i = 0; i < parts.kCount; ++i) sum[i] = First::zero();
  for (int64_t at = 0; at < n_in; at += Format::kBlock, tile += Format::kBytes) {
#pragma GCC unroll 8
    for (int g = 0; g < Format::kBlock / 32; ++g, ++x) {
      prefetch_group<First, Format, kAheadOfOne>(tile, g, sum[0]);
      int part = 0;
      const auto add = [&]<class Rows>(Rows) {
        Unpacked<Lanes, Format> row;
        row.template load<Rows>(tile, g);
        add_products<Lanes, Format, 1, 1>(&row, &x, 0, sum + part++);
      };
      add(First{});
      (add(P{}), ...);
    }
  }
}

/// The results of one tile, scaled and with their bias, to row `row` on of n columns from `first` on; sum:
/// the first column's, the next one's are `stride` further on.
template <class... P>
[[gnu::always_inline]] inline void store_tile(RowParts<P...>, const MatMulTask& t, int64_t row, int64_t first,
                                              int n, const auto* sum, int stride) {
  const auto store = [&]<class Rows>(Rows) {
    const int64_t at = row + Rows::kFirstRow;
    const int rows = static_cast<int>(t.n_out - at < Rows::kRows ? t.n_out - at : Rows::kRows);
    if (rows > 0) {
      const typename Rows::F bias = t.bias ? Rows::load_n(t.bias + at, rows) : Rows::zero();
      for (int c = 0; c < n; ++c)
        Rows::store_n(t.out_row(first + c) + at, Rows::fma(sum[c * stride], Rows::set1(t.scale), bias), rows);
    }
    ++sum;
  };
  (store(P{}), ...);
}

/// Columns that are computed together: so many that unpacking weights counts little, and that their groups
/// stay in the level-2 cache while tiles pass by.
inline constexpr int64_t kColumnBytes = 448 << 10;
inline constexpr int kMaxColumns = 32;

/// T tiles times n <= N columns from column `first` on, tile after tile.
template <class S, class Format, int T, int N>
inline void tiles_and_columns(const MatMulTask& t, int64_t first_tile, int64_t last_tile,
                              const QuantizedGroup* const* x, int64_t first, int n) {
  using Parts = typename S::Rows;
  for (int64_t tile = first_tile; tile < last_tile; tile += T) {
    typename Parts::F sum[T * Parts::kCount * N];
    multiply_tiles<Format, T>(Parts{}, t.tiles + tile * t.tile_bytes, t.tile_bytes, t.n_in, x, n, sum);
    for (int i = 0; i < T; ++i)
      store_tile(Parts{}, t, (tile + i) * kTileRows, first, n, sum + i * Parts::kCount, T * Parts::kCount);
  }
}

template <class S, class Format>
void quantized_matmul(const MatMulTask& t) {
  using Parts = typename S::Rows;
  const int64_t fit = kColumnBytes / quantized_row_bytes(t.n_in);
  const int at_once = static_cast<int>(fit < 8 ? 8 : fit > kMaxColumns ? kMaxColumns : fit);
  for (int64_t first = 0; first < t.n_columns; first += at_once) {
    const int n = static_cast<int>(t.n_columns - first < at_once ? t.n_columns - first : at_once);
    const QuantizedGroup* x[kMaxColumns];
    for (int c = 0; c < n; ++c) x[c] = reinterpret_cast<const QuantizedGroup*>(t.x_row(first + c));
    if (n == 1) {
      for (int64_t tile = t.first_tile; tile < t.last_tile; ++tile) {
        typename Parts::F sum[Parts::kCount];
        multiply_tile<Format>(Parts{}, t.tiles + tile * t.tile_bytes, t.n_in, x[0], sum);
        store_tile(Parts{}, t, tile * kTileRows, first, 1, sum, Parts::kCount);
      }
      continue;
    }
    const int64_t alone = t.first_tile + (t.last_tile - t.first_tile) / kTilesTogether * kTilesTogether;
    tiles_and_columns<S, Format, kTilesTogether, kMaxColumns>(t, t.first_tile, alone, x, first, n);
    tiles_and_columns<S, Format, 1, kMaxColumns>(t, alone, t.last_tile, x, first, n);
  }
}

/// The tiles of a task for N columns from column `first` on.
template <class S, class Format, int N>
void float_columns(const MatMulTask& t, int64_t first) {
  using F = typename S::F;
  const float* x[N];
  for (int c = 0; c < N; ++c) x[c] = reinterpret_cast<const float*>(t.x_row(first + c));
  for (int64_t tile = t.first_tile; tile < t.last_tile; ++tile) {
    const uint8_t* weights = t.tiles + tile * t.tile_bytes;
    F sum[N];
    for (int c = 0; c < N; ++c) sum[c] = S::zero();
    for (int64_t i = 0; i < t.n_in; ++i, weights += Format::kBytes) {
      const F w = Format::template weights<S>(weights);
#pragma GCC unroll 8
      for (int c = 0; c < N; ++c) sum[c] = S::fma(w, S::set1(x[c][i]), sum[c]);
    }
    store_tile(RowParts<S>{}, t, tile * kTileRows, first, N, sum, 1);
  }
}

/// Goes over the columns in the largest groups that the ISA has registers for.
template <class S, class Format>
void float_matmul(const MatMulTask& t) {
  int64_t c = 0;
  for (; c + S::kFloatColumns <= t.n_columns; c += S::kFloatColumns)
    float_columns<S, Format, S::kFloatColumns>(t, c);
  if constexpr (S::kFloatColumns > 2) {
    for (; c + 2 <= t.n_columns; c += 2) float_columns<S, Format, 2>(t, c);
  }
  for (; c < t.n_columns; ++c) float_columns<S, Format, 1>(t, c);
}

template <class S, class Format>
void matmul(const MatMulTask& t) {
  if constexpr (Format::kBlock == 1)
    float_matmul<S, Format>(t);
  else
    quantized_matmul<S, Format>(t);
}

}  // namespace halcyon::cpu
