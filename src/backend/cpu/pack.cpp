#include "backend/cpu/pack.h"

#include "backend/cpu/formats/all.h"

namespace halcyon::cpu {
namespace {

template <class Format>
void pack_tile(const uint8_t* rows, int n_rows, int64_t n_in, uint8_t* tile) {
  const auto block_bytes = static_cast<int64_t>(quant::row_bytes(Format::kType, Format::kBlock));
  const int64_t n_blocks = n_in / Format::kBlock;
  for (int64_t b = 0; b < n_blocks; ++b)
    for (int row = 0; row < n_rows; ++row)
      Format::pack(rows + (row * n_blocks + b) * block_bytes, row, tile + b * Format::kBytes);
}

template <class... Format>
const Packing* find(quant::Type type, Formats<Format...>) {
  static constexpr Packing kPackings[] = {
      {Format::kType, Format::kBlock, Format::kBytes, Format::kBlock > 1, pack_tile<Format>}...};
  for (const Packing& packing : kPackings)
    if (packing.type == type) return &packing;
  return nullptr;
}

}  // namespace

const Packing* find_packing(quant::Type type) {
  const Packing* packing = find(type, FloatFormats{});
  return packing ? packing : find(type, QuantizedFormats{});
}

}  // namespace halcyon::cpu
