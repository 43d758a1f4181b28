// From the layout of GGUF files to the one that the kernels stream (formats/tile.h).
#pragma once

#include <cstdint>

#include "quant/type.h"

namespace halcyon::cpu {

inline constexpr int kTileRows = 16;  ///< rows (outputs) of a tile

/// How one type is packed.
struct Packing {
  quant::Type type;
  int32_t block;        ///< elements; the last one of a row may have fewer
  int32_t block_bytes;  ///< of 16 rows
  bool quantized;       ///< takes int8 activations; else float32

  /// Packs `n_rows` (1 to 16) consecutive rows of n_in elements, as they are in a file, into one tile. Lanes
  /// without a row keep what they hold.
  void (*pack_tile)(const uint8_t* rows, int n_rows, int64_t n_in, uint8_t* tile);

  int64_t tile_bytes(int64_t n_in) const { return (n_in + block - 1) / block * block_bytes; }
};

/// The packing of a type; nullptr if there are no kernels for it.
const Packing* find_packing(quant::Type type);

}  // namespace halcyon::cpu
