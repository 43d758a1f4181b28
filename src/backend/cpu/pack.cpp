#include "backend/cpu/pack.h"

#include "backend/cpu/formats/all.h"

namespace halcyon::cpu {
namespace {

template <class Format>
void pack_tile(const uint8_t* rows, int n_rows, int64_t n_in, uint8_t* tile) {
  constexpr bool kTogether = requires { Format::kSmall; };
  int64_t block = Format::kBlock, together = 1;
  if constexpr (kTogether) block = Format::kSmall, together = Format::kBlock / block;
  const auto block_bytes = static_cast<int64_t>(quant::row_bytes(Format::kType, block));
  const int64_t n_blocks = n_in / block;
  for (int64_t b = 0; b < n_blocks; ++b) {
    uint8_t* out = tile + b / together * Format::kBytes;
    for (int row = 0; row < n_rows; ++row) {
      const uint8_t* src = rows + (row * n_blocks + b) * block_bytes;
      if constexpr (kTogether)
        Format::pack(src, row, out, static_cast<int>(b % together));
      else
        Format::pack(src, row, out);
    }
  }
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
