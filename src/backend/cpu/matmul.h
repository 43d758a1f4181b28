// What a matrix product works on: packed weights, rows of activations, and where the results go.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halcyon::cpu {

/// A row of n activations as int8, in groups of 32 with a float32 scale: in memory the n codes, then for each
/// group its scale, the sums of its codes over 32 and over 16 elements (int32), and the same sums times the
/// scale.
struct QuantizedRow {
  const int8_t* codes;        // [n], -127 … 127
  const float* scale;         // [n / 32]
  const int32_t* sum32;       // [n / 32]
  const int32_t* sum16;       // [n / 16]
  const float* scaled_sum32;  // [n / 32]
  const float* scaled_sum16;  // [n / 16]

  QuantizedRow() = default;
  QuantizedRow(const void* row, int64_t n)
      : codes(static_cast<const int8_t*>(row)),
        scale(reinterpret_cast<const float*>(codes + n)),
        sum32(reinterpret_cast<const int32_t*>(scale + n / 32)),
        sum16(sum32 + n / 32),
        scaled_sum32(reinterpret_cast<const float*>(sum16 + n / 16)),
        scaled_sum16(scaled_sum32 + n / 32) {}

  /// Bytes of a row of n elements, n a multiple of 32.
  static constexpr int64_t bytes(int64_t n) { return n + 7 * n / 8; }
};

/// Products of consecutive tiles of one matrix with some columns.
struct MatMulTask {
  const uint8_t* tiles;  ///< the matrix, tile after tile
  int64_t tile_bytes;
  int64_t n_in, n_out;
  int64_t first_tile, last_tile;  ///< [first, last)
  int64_t n_columns;
  const std::byte* x;  ///< rows: QuantizedRow memory for quantised formats, float32 for float ones
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
