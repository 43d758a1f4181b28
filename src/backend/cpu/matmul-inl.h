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
    const typename S::I qa = code(a), qb = code(b), offset = S::set1_i(S::Lanes::kActivationOffset);
    S::store_u8(group->codes, S::add_i(qa, offset));
    S::store_u8(group->codes + 16, S::add_i(qb, offset));
    const auto sa = static_cast<int32_t>(S::reduce_add(S::to_float(qa)));  // exact: < 2^24
    const auto sb = static_cast<int32_t>(S::reduce_add(S::to_float(qb)));
    group->minus_sum[0] = -sa - sb, group->minus_sum[1] = -sa, group->minus_sum[2] = -sb;
    for (int i = 0; i < 3; ++i) group->minus_sum_f[i] = static_cast<float>(group->minus_sum[i]);
    group->scale = largest / 127.0f + nothing;
  }
}

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

  /// sum + the product of the group with 32 activations; first, second: the products of the codes of each
  /// part.
  [[gnu::always_inline]] typename P::F add(typename P::I first, typename P::I second, typename P::F x_scale,
                                           const typename P::F* minus_x_sum, typename P::F sum) const {
    typename P::F t = P::mul(P::to_float(first), scale[0]);
    if constexpr (kParts == 2) t = P::fma(P::to_float(second), scale[1], t);
    if constexpr (Format::kHasMinimum)
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) t = P::fma(minimum[p], minus_x_sum[p], t);
    return P::fma(t, x_scale, sum);
  }
};

/// Group g of 32 inputs of a block, of the rows that one register has, ready to be multiplied.
template <class P, class Format>
struct Unpacked {
  static constexpr int kParts = 32 / Format::kGroup, kWords = Format::kGroup / 4;
  using Codes = typename P::template Codes<Format::kMaxCode, kParts>;
  Codes codes;
  Scales<P, Format> scales;

  template <class Rows>
  [[gnu::always_inline]] void load(const uint8_t* block, int g) {
    typename P::I loaded[8];
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) Format::template codes<Rows>(block, kParts * g + p, loaded + kWords * p);
#pragma GCC unroll 8
    for (int w = 0; w < 8; ++w) codes.set(w, loaded[w]);
    if constexpr (!P::kUnsignedCodes)
#pragma GCC unroll 2
      for (int p = 0; p < kParts; ++p) codes.template correct<kWords>(p);
    scales.template load<Rows>(block, g);
  }
};

/// Format::kRepeatsAfter, or all groups of 32 of a block.
template <class Format>
constexpr int repeats_after() {
  if constexpr (requires { Format::kRepeatsAfter; })
    return Format::kRepeatsAfter;
  else
    return Format::kBlock / 32;
}

/// Asks for the memory of group g of a block, once `after` is known; returns that.
template <class P, class Format, bool once>
[[gnu::always_inline]] inline typename P::F prefetch_group(const uint8_t* block, int g, typename P::F after) {
  constexpr int kGroups = Format::kBlock / 32, kLines = (Format::kBytes / kGroups + 63) / 64;
  const uint8_t* first = block + g * (Format::kBytes / kGroups);
#pragma GCC unroll 16
  for (int line = 0; line < kLines; ++line) after = P::template prefetch<once>(first + 64 * line, after);
  return after;
}

/// What is asked for while streams of tiles, `apart` bytes from each other, are read once, front to back:
/// what they read a little later (docs/PERFORMANCE.md), and at their end what is read next.
template <class S, class Format, int kStreams>
class Ahead {
 public:
  Ahead(const uint8_t* begin, int64_t apart, const uint8_t* next, int64_t next_apart)
      : at_(begin), end_(begin + apart), next_(next), apart_(apart), next_apart_(next_apart) {
    step(S::Lanes::kAheadOfOne / kStreams / Format::kBytes);
  }
  void step(int blocks = 1) {
    at_ += blocks * Format::kBytes;
    if (!end_ || at_ < end_) return;
    at_ = next_ + (at_ - end_), apart_ = next_apart_;
    end_ = nullptr;
  }
  /// Asks for as much as group g of a block of a stream has, once `after` is known; returns that.
  template <class P>
  [[gnu::always_inline]] typename P::F prefetch(int stream, int g, typename P::F after) const {
    return prefetch_group<P, Format, true>(at_ + stream * apart_, g, after);
  }

 private:
  const uint8_t *at_, *end_;
  const uint8_t* const next_;
  int64_t apart_;
  const int64_t next_apart_;
};

/// Adds the products of R registers of rows with a group of each of C columns to sum, [C, R].
template <class P, class Format, int R, int C>
[[gnu::always_inline]] inline void add_products(const Unpacked<P, Format>* rows,
                                                const QuantizedGroup* const* x, typename P::F* sum) {
  using Row = Unpacked<P, Format>;
  using I = typename P::I;
  constexpr int kParts = Row::kParts, kTogether = R < P::kRowsTogether ? R : P::kRowsTogether;
  typename Row::Codes::Column columns[C];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) columns[c].load(x[c]->codes);
#pragma GCC unroll 2
  for (int r0 = 0; r0 < R; r0 += kTogether) {
    I dots[kParts][C * kTogether];
#pragma GCC unroll 2
    for (int p = 0; p < kParts; ++p) {
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        I start;
        if constexpr (P::kUnsignedCodes)
          start = P::template times<Format::kMiddle>(x[c]->minus_sum[kParts == 1 ? 0 : p + 1]);
#pragma GCC unroll 8
        for (int r = 0; r < kTogether; ++r) {
          if constexpr (!P::kUnsignedCodes) start = rows[r0 + r].codes.start[p];
          dots[p][c * kTogether + r] = start;
        }
      }
      Row::Codes::template dot<Row::kWords, kTogether, C>(rows + r0, Row::kWords * p, columns, dots[p]);
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const typename P::F x_scale = P::set1(x[c]->scale);
      typename P::F minus_x_sum[kParts];
      if constexpr (Format::kHasMinimum)
#pragma GCC unroll 2
        for (int p = 0; p < kParts; ++p) minus_x_sum[p] = P::set1(x[c]->minus_sum_f[kParts == 1 ? 0 : p + 1]);
#pragma GCC unroll 8
      for (int r = 0; r < kTogether; ++r) {
        typename P::F& s = sum[c * R + r0 + r];
        const int at = c * kTogether + r;
        s = rows[r0 + r].scales.add(dots[0][at], dots[kParts - 1][at], x_scale, minus_x_sum, s);
      }
    }
  }
}

/// The same for n consecutive groups from `group` on, R registers of rows of each.
template <class P, class Format, int R, int C>
[[gnu::always_inline]] inline void add_panel(const Unpacked<P, Format>* rows, int n,
                                             const QuantizedGroup* const* x, int64_t group,
                                             typename P::F* sum) {
  const QuantizedGroup* at[C];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) at[c] = x[c] + group;
  if constexpr (P::kPanel == 1) {  // the registers have no room for sums
    add_products<P, Format, R, C>(rows, at, sum);
  } else {
    typename P::F sums[C * R];
#pragma GCC unroll 16
    for (int i = 0; i < C * R; ++i) sums[i] = sum[i];
#pragma GCC unroll 1
    for (int i = 0; i < n; ++i, rows += R) {
      add_products<P, Format, R, C>(rows, at, sums);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) ++at[c];
    }
#pragma GCC unroll 16
    for (int i = 0; i < C * R; ++i) sum[i] = sums[i];
  }
}

/// T consecutive tiles times n columns; `next`: what is multiplied after them. An ISA whose registers hold
/// fewer than 16 rows takes a tile as several parts; sum: [n, T * parts]. A panel of a few groups is
/// unpacked, and then all columns pass by.
template <class Format, int T, class First, class... P>
[[gnu::always_inline]] inline void multiply_tiles(RowParts<First, P...> parts, const uint8_t* tiles,
                                                  int64_t tile_bytes, const uint8_t* next, int64_t n_in,
                                                  const QuantizedGroup* const* x, int n, auto* sum) {
  using Lanes = typename First::Lanes;
  constexpr int R = T * parts.kCount, kGroups = Format::kBlock / 32;
  constexpr int C = Format::kGroup == 32 || Lanes::kColumns < 2 ? Lanes::kColumns : 2;  // twice the sums
  const int64_t n_groups = n_in / 32, to_next = next - tiles - n_groups * (Format::kBytes / kGroups);
  for (int i = 0; i < R * n; ++i) sum[i] = First::zero();
  for (int64_t first = 0; first < n_groups; first += Lanes::kPanel) {
    Unpacked<Lanes, Format> rows[Lanes::kPanel * R];
    const int panel = static_cast<int>(n_groups - first < Lanes::kPanel ? n_groups - first : Lanes::kPanel);
    auto* row = rows;
    for (int64_t group = first; group < first + panel; ++group) {
      const int g = static_cast<int>(group % kGroups);
      const int64_t ahead = group + Lanes::kGroupsAhead < n_groups ? 0 : to_next;
#pragma GCC unroll 1
      for (int t = 0; t < T; ++t) {
        const uint8_t* block = tiles + t * tile_bytes + group / kGroups * Format::kBytes;
        row->template load<First>(block, g);
        row->scales.scale[0] = prefetch_group<First, Format, false>(block + ahead, g + Lanes::kGroupsAhead,
                                                                    row->scales.scale[0]);
        ++row;
        (row++->template load<P>(block, g), ...);
      }
    }
    const auto add = [&]<int columns>(int c) __attribute__((always_inline)) {
      add_panel<Lanes, Format, R, columns>(rows, panel, x + c, first, sum + c * R);
    };
    int c = 0;
    // One column alone has too few sums at a time: four go as two and two.
    for (; n - c >= C && !(C == 3 && n - c == 4); c += C) add.template operator()<C>(c);
    if constexpr (C > 2)
      for (; n - c >= 2; c += 2) add.template operator()<2>(c);
    if constexpr (C > 1)
      if (c < n) add.template operator()<1>(c);
  }
}

/// T tiles, `apart` bytes from each other, times C columns, so few that what is unpacked stays in registers;
/// sum: [T, parts, C].
template <class Format, int T, int C, class First, class... P>
[[gnu::always_inline]] inline void multiply_few(RowParts<First, P...> parts, const uint8_t* tile,
                                                int64_t apart, auto& ahead, int64_t n_in,
                                                const QuantizedGroup* const* x, typename First::F* sum) {
  using Lanes = typename First::Lanes;
  constexpr int kGroups = Format::kBlock / 32, kSums = parts.kCount * C;
  typename First::F sums[T * kSums];
  const QuantizedGroup* at[C];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) at[c] = x[c];
#pragma GCC unroll 16
  for (int i = 0; i < T * kSums; ++i) sums[i] = First::zero();
  const auto add_group = [&](int g) __attribute__((always_inline)) {
#pragma GCC unroll 2
    for (int t = 0; t < T; ++t) {
      // Not kept from the group before: without room for it, that would be spilled.
      if constexpr (parts.kCount > 1) asm("" : "+r"(tile));
      typename First::F* of_tile = sums + t * kSums;
      *of_tile = ahead.template prefetch<First>(t, g, *of_tile);
      const auto add = [&]<class Rows>(Rows) __attribute__((always_inline)) {
        Unpacked<Lanes, Format> row;
        row.template load<Rows>(tile + t * apart, g);
        add_products<Lanes, Format, 1, C>(&row, at, of_tile + C * (Rows::kFirstRow / Rows::kRows));
      };
      add(First{});
      (add(P{}), ...);
    }
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) ++at[c];
  };
  // Eight groups of several columns are 13 KB of instructions, and slower (docs/PERFORMANCE.md).
  constexpr int kUnrolled = C > 1 ? repeats_after<Format>() : kGroups;
  static_assert(kGroups % kUnrolled == 0);
  for (int64_t block = n_in / Format::kBlock; block > 0; --block, tile += Format::kBytes, ahead.step()) {
#pragma GCC unroll 1
    for (int first = 0; first < kGroups; first += kUnrolled)
#pragma GCC unroll 8
      for (int g = 0; g < kUnrolled; ++g) add_group(first + g);
  }
  if constexpr (requires { Format::kSmall; })
    if (n_in % Format::kBlock != 0) {  // the row ends within a block
      for (int g = 0; g < n_in / 32 % kGroups; ++g) add_group(g);
      ahead.step();
    }
#pragma GCC unroll 16
  for (int i = 0; i < T * kSums; ++i) sum[i] = sums[i];
}

/// The results of T consecutive tiles, scaled and with their bias, to row `row` on of n columns from `first`
/// on; sum: [n, T * parts]. Column by column: they lie far apart.
template <int T, class... P>
[[gnu::always_inline]] inline void store_tiles(RowParts<P...>, const MatMulTask& t, int64_t row,
                                               int64_t first, int n, const auto* sum) {
  for (int c = 0; c < n; ++c) {
    float* out = t.out_row(first + c);
    const auto store = [&]<class Rows>(Rows, int64_t at) {
      at += Rows::kFirstRow;
      const int rows = static_cast<int>(t.n_out - at < Rows::kRows ? t.n_out - at : Rows::kRows);
      const auto scaled = [&](typename Rows::F bias) { return Rows::fma(*sum, Rows::set1(t.scale), bias); };
      if (rows == Rows::kRows)
        Rows::store(out + at, scaled(t.bias ? Rows::load(t.bias + at) : Rows::zero()));
      else if (rows > 0)
        Rows::store_n(out + at, scaled(t.bias ? Rows::load_n(t.bias + at, rows) : Rows::zero()), rows);
      ++sum;
    };
    for (int i = 0; i < T; ++i) (store(P{}, row + i * kTileRows), ...);
  }
}

/// T tiles times n <= N columns from column `first` on, tile after tile.
template <class S, class Format, int T, int N>
inline void tiles_and_columns(const MatMulTask& t, int64_t first_tile, int64_t last_tile,
                              const QuantizedGroup* const* x, int64_t first, int n) {
  using Parts = typename S::Rows;
  const uint8_t* tiles = t.tiles + first_tile * t.tile_bytes;
  for (int64_t tile = first_tile; tile < last_tile; tile += T) {
    typename Parts::F sum[T * Parts::kCount * N];
    const uint8_t* next = tile + T < t.last_tile || !t.next_tiles ? tiles + T * t.tile_bytes : t.next_tiles;
    multiply_tiles<Format, T>(Parts{}, tiles, t.tile_bytes, next, t.n_in, x, n, sum);
    tiles = next;
    store_tiles<T>(Parts{}, t, tile * kTileRows, first, n, sum);
  }
}

/// Tiles times n <= C columns from column `first` on, as T streams: each reads its part of the tiles front to
/// back, as what finds out how fast memory can be read does.
template <class S, class Format, int T, int C>
inline void tiles_and_few_columns(const MatMulTask& t, int64_t first_tile, int64_t last_tile,
                                  const QuantizedGroup* const* x, int64_t first, int n) {
  using Parts = typename S::Rows;
  static_assert(C == 1 || Parts::kCount == 1, "sums are stored [columns, parts]");
  const int64_t part = (last_tile - first_tile) / T, apart = part * t.tile_bytes;
  const uint8_t* begin = t.tiles + first_tile * t.tile_bytes;
  const bool next = t.next_tiles && last_tile == t.last_tile;
  Ahead<S, Format, T> ahead(begin, apart, next ? t.next_tiles : begin + T * apart,
                            next ? t.next_bytes / T : apart);
  for (int64_t tile = first_tile; tile < first_tile + part; ++tile) {
    typename Parts::F sum[T * Parts::kCount * C];
    multiply_few<Format, T, C>(Parts{}, t.tiles + tile * t.tile_bytes, apart, ahead, t.n_in, x, sum);
    for (int i = 0; i < T; ++i)
      store_tiles<1>(Parts{}, t, (tile + i * part) * kTileRows, first, n, sum + i * Parts::kCount * C);
  }
}

template <class S, class Format>
void quantized_matmul(MatMulTask t) {
  constexpr int kMaxColumns = S::Lanes::kMaxColumns;
  constexpr bool kLong = repeats_after<Format>() >= 8;  // too long for eight columns: see multiply_few()
  constexpr int kFew = kLong ? (S::Lanes::kFewColumns + 1) / 2 : S::Lanes::kFewColumns;
  static_assert(kFew <= kMaxColumns && kMaxColumns >= 12);
  if (t.n_columns == 0) return;  // a step without logits
  const int64_t fit = S::Lanes::kColumnBytes / quantized_row_bytes(t.n_in);
  const int64_t most = fit < 12 ? 12 : fit > kMaxColumns ? kMaxColumns : fit;
  const int64_t times = (t.n_columns + most - 1) / most;  // each unpacks for all of its columns: nearly equal
  const int64_t equal = (t.n_columns + 6 * times - 1) / (6 * times) * 6,
                at_once = equal < most ? equal : most;
  const uint8_t* next_tiles = t.next_tiles;
  for (int64_t first = 0; first < t.n_columns; first += at_once) {
    t.next_tiles = first + at_once < t.n_columns ? t.tiles + t.first_tile * t.tile_bytes : next_tiles;
    const int n = static_cast<int>(t.n_columns - first < at_once ? t.n_columns - first : at_once);
    const QuantizedGroup* x[kMaxColumns];
    for (int c = 0; c < n; ++c) x[c] = reinterpret_cast<const QuantizedGroup*>(t.x_row(first + c));
    if (n == 1) {
      constexpr int kStreams = S::Lanes::template kStreamsOfOne<Format>;
      const int64_t even = t.last_tile - (t.last_tile - t.first_tile) % kStreams;
      tiles_and_few_columns<S, Format, kStreams, 1>(t, t.first_tile, even, x, first, n);
      tiles_and_few_columns<S, Format, 1, 1>(t, even, t.last_tile, x, first, n);
    } else if (n <= kFew) {
      for (int c = n; c < kFew; ++c) x[c] = x[0];  // the results are left out
      if constexpr (kFew > 1) {
        if (n <= kFew / 2)
          tiles_and_few_columns<S, Format, 1, kFew / 2>(t, t.first_tile, t.last_tile, x, first, n);
        else
          tiles_and_few_columns<S, Format, 1, kFew>(t, t.first_tile, t.last_tile, x, first, n);
      }
    } else {
      const int64_t alone = t.first_tile + (t.last_tile - t.first_tile) / kTilesTogether * kTilesTogether;
      tiles_and_columns<S, Format, kTilesTogether, kMaxColumns>(t, t.first_tile, alone, x, first, n);
      tiles_and_columns<S, Format, 1, kMaxColumns>(t, alone, t.last_tile, x, first, n);
    }
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
    store_tiles<1>(RowParts<S>{}, t, tile * kTileRows, first, N, sum);
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
