// Matrix products with packed weights: one loop for all quantised formats, one for the float ones.
//
// Every result is one running sum over the input dimension, front to back, in one lane: its bits depend
// neither on how many columns are computed together nor on which thread does it.
#pragma once

#include <cstdint>

#include "backend/cpu/formats/all.h"
#include "backend/cpu/matmul.h"

namespace halcyon::cpu {

/// Quantises a row of n floats, n a multiple of 32, to the memory of a QuantizedRow: scale = max|x| / 127,
/// codes to nearest even. A group with an infinity or a NaN gets the scale NaN, and so does every product.
template <class S>
void quantize_row(const float* x, int64_t n, void* row) {
  using F = typename S::F;
  const QuantizedRow r(row, n);
  auto* codes = const_cast<int8_t*>(r.codes);
  auto* scale = const_cast<float*>(r.scale);
  auto *sum32 = const_cast<int32_t*>(r.sum32), *sum16 = const_cast<int32_t*>(r.sum16);
  auto *scaled32 = const_cast<float*>(r.scaled_sum32), *scaled16 = const_cast<float*>(r.scaled_sum16);
  for (int64_t g = 0; g < n / 32; ++g) {
    const F a = S::load(x + 32 * g), b = S::load(x + 32 * g + 16);
    const float largest = S::reduce_max(S::max(S::abs(a), S::abs(b)));
    const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
    const float nothing = S::reduce_add(S::add(S::sub(a, a), S::sub(b, b)));  // 0, or NaN
    scale[g] = largest / 127.0f + nothing;
    const auto code = [&](F x_) {  // max() and min() drop a NaN in their first operand
      return S::to_int(S::min(S::max(S::mul(x_, S::set1(inverse)), S::set1(-127)), S::set1(127)));
    };
    const typename S::I qa = code(a), qb = code(b);
    S::store_i8(codes + 32 * g, qa);
    S::store_i8(codes + 32 * g + 16, qb);
    const float sa = S::reduce_add(S::to_float(qa)),
                sb = S::reduce_add(S::to_float(qb));  // exact: below 2^24
    sum16[2 * g] = static_cast<int32_t>(sa);
    sum16[2 * g + 1] = static_cast<int32_t>(sb);
    sum32[g] = sum16[2 * g] + sum16[2 * g + 1];
    scaled16[2 * g] = sa * scale[g];
    scaled16[2 * g + 1] = sb * scale[g];
    scaled32[g] = (sa + sb) * scale[g];
  }
}

/// Weights are asked for this many bytes before they are used (docs/PERFORMANCE.md).
inline constexpr int kPrefetchAhead = 4096;

/// One tile times N columns: sum[c] gets the 16 results of column c.
template <class S, class Format, int N>
inline void quantized_tile(const uint8_t* tile, int64_t n_in, const QuantizedRow* x, typename S::F* sum) {
  using F = typename S::F;
  using I = typename S::I;
  constexpr int kWords = Format::kGroup / 4;
  constexpr int kGroupBytes = Format::kBytes / (Format::kBlock / Format::kGroup);
  constexpr int kOffset = Format::kWide ? S::kWideOffset : Format::kOffset;
  for (int c = 0; c < N; ++c) sum[c] = S::zero();
  for (int64_t at = 0; at < n_in; at += Format::kBlock, tile += Format::kBytes) {
    for (int g = 0; g < Format::kBlock / Format::kGroup; ++g) {
      I codes[kWords];
      Format::template codes<S>(tile, g, codes);
      for (int line = 0; line < kGroupBytes; line += 64)
        __builtin_prefetch(tile + g * kGroupBytes + line + kPrefetchAhead);
      const F scale = Format::template scale<S>(tile, g);
      F bias;
      if constexpr (Format::kHasBias) bias = Format::template bias<S>(tile, g);
      const int64_t first = at + g * Format::kGroup;
#pragma GCC unroll 8
      for (int c = 0; c < N; ++c) {
        I dot = S::set1_i(0);
        if constexpr (kOffset != 0) {
          const int32_t total = Format::kGroup == 32 ? x[c].sum32[first / 32] : x[c].sum16[first / 16];
          dot = S::set1_i(-kOffset * total);
        }
#pragma GCC unroll 8
        for (int w = 0; w < kWords; ++w) {
          const I four = S::broadcast_word(x[c].codes + first + 4 * w);
          dot = Format::kWide ? S::dot_wide(dot, codes[w], four) : S::dot(dot, codes[w], four);
        }
        sum[c] = S::fma(S::to_float(dot), S::mul(scale, S::set1(x[c].scale[first / 32])), sum[c]);
        if constexpr (Format::kHasBias) {
          const float total =
              Format::kGroup == 32 ? x[c].scaled_sum32[first / 32] : x[c].scaled_sum16[first / 16];
          sum[c] = S::fma(bias, S::set1(total), sum[c]);
        }
      }
    }
  }
}

template <class S, class Format, int N>
inline void float_tile(const uint8_t* tile, int64_t n_in, const float* const* x, typename S::F* sum) {
  for (int c = 0; c < N; ++c) sum[c] = S::zero();
  for (int64_t i = 0; i < n_in; ++i, tile += Format::kBytes) {
    const typename S::F weights = Format::template weights<S>(tile);
#pragma GCC unroll 8
    for (int c = 0; c < N; ++c) sum[c] = S::fma(weights, S::set1(x[c][i]), sum[c]);
  }
}

/// The tiles of a task for N columns from column `first` on.
template <class S, class Format, int N>
void matmul_columns(const MatMulTask& t, int64_t first) {
  typename S::F sum[N];
  for (int64_t tile = t.first_tile; tile < t.last_tile; ++tile) {
    const uint8_t* weights = t.tiles + tile * t.tile_bytes;
    if constexpr (Format::kBlock == 1) {
      const float* x[N];
      for (int c = 0; c < N; ++c) x[c] = reinterpret_cast<const float*>(t.x_row(first + c));
      float_tile<S, Format, N>(weights, t.n_in, x, sum);
    } else {
      QuantizedRow x[N];
      for (int c = 0; c < N; ++c) x[c] = QuantizedRow(t.x_row(first + c), t.n_in);
      quantized_tile<S, Format, N>(weights, t.n_in, x, sum);
    }
    const int64_t row = tile * kTileRows;
    const int rows = static_cast<int>(t.n_out - row < kTileRows ? t.n_out - row : kTileRows);
    const typename S::F bias = t.bias ? S::load_n(t.bias + row, rows) : S::zero();
    for (int c = 0; c < N; ++c)
      S::store_n(t.out_row(first + c) + row, S::fma(sum[c], S::set1(t.scale), bias), rows);
  }
}

/// Goes over the columns in the largest groups that the ISA has registers for.
template <class S, class Format>
void matmul(const MatMulTask& t) {
  int64_t c = 0;
  for (; c + S::kColumns <= t.n_columns; c += S::kColumns) matmul_columns<S, Format, S::kColumns>(t, c);
  if constexpr (S::kColumns > 4) {
    for (; c + 4 <= t.n_columns; c += 4) matmul_columns<S, Format, 4>(t, c);
  }
  if constexpr (S::kColumns > 2) {
    for (; c + 2 <= t.n_columns; c += 2) matmul_columns<S, Format, 2>(t, c);
  }
  for (; c < t.n_columns; ++c) matmul_columns<S, Format, 1>(t, c);
}

}  // namespace halcyon::cpu
