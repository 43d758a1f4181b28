// What a matrix product works on: packed weights, rows of activations, and where the results go.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halcyon::cpu {

/// 32 activations as int8, value = code * scale, with the sums that minima and middles of weights are
/// multiplied with. One cache line, so that a product reads a column in one stream.
struct alignas(64) QuantizedGroup {
  uint8_t codes[32];     ///< code + Kernels::activation_offset, a byte: codes are -127 … 127
  float scale;           ///< max|x| / 127; NaN if an element was not finite
  int32_t minus_sum[3];  ///< of all codes, of the first 16, and of the last 16; negated
  float minus_sum_f[3];  ///< the same
};

/// Bytes of a row of n activations, n a multiple of 32: an odd number of cache lines, so that the rows of a
/// matrix do not compete for the same sets of a cache.
constexpr int64_t quantized_row_bytes(int64_t n) {
  return (n / 32 | 1) * static_cast<int64_t>(sizeof(QuantizedGroup));
}

/// Tiles that share each load of the activations: work is best cut at multiples of them.
inline constexpr int64_t kTilesTogether = 4;

/// Products of consecutive tiles of one matrix with some columns.
struct MatMulTask {
  const uint8_t* tiles;  ///< the matrix, tile after tile
  int64_t tile_bytes;
  int64_t n_in, n_out;
  int64_t first_tile, last_tile;        ///< [first, last)
  const uint8_t* next_tiles = nullptr;  ///< what is read after them, if it is known: it is asked for early
  int64_t next_bytes = 0;               ///< of the piece that begins there, about
  int64_t n_columns;
  const std::byte* x;  ///< rows: QuantizedGroup[n_in / 32] for quantised formats, float32 for float ones
  int64_t x_stride;    ///< bytes
  const int32_t* x_rows = nullptr;    ///< [n_columns] the row of each column; nullptr: column c is row c
  float* out;                         ///< rows of n_out
  const int32_t* out_rows = nullptr;  ///< likewise
  float scale = 1;                    ///< of every product
  const float* bias = nullptr;        ///< [n_out], added to the scaled product

  const std::byte* x_row(int64_t c) const { return x + (x_rows ? x_rows[c] : c) * x_stride; }
  float* out_row(int64_t c) const { return out + (out_rows ? out_rows[c] : c) * n_out; }
};

using MatMulKernel = void (*)(const MatMulTask&);

}  // namespace halcyon::cpu
