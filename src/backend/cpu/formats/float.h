// F32, F16 and BF16: 16 rows side by side, element by element; products in float32.
#pragma once

#include "backend/cpu/formats/tile.h"

namespace halcyon::cpu {

struct F32 {
  static constexpr quant::Type kType = quant::Type::f32;
  static constexpr int kBlock = 1, kBytes = 64;
  static void pack(const uint8_t* src, int row, uint8_t* block) { put_word(block, 0, row, read_u32(src)); }
  template <class S>
  static typename S::F weights(const uint8_t* block) {
    return S::load(reinterpret_cast<const float*>(block));
  }
};

struct F16 {
  static constexpr quant::Type kType = quant::Type::f16;
  static constexpr int kBlock = 1, kBytes = 32;
  static void pack(const uint8_t* src, int row, uint8_t* block) { put_half(block, row, read_u16(src)); }
  template <class S>
  static typename S::F weights(const uint8_t* block) {
    return S::load_f16(reinterpret_cast<const uint16_t*>(block));
  }
};

struct BF16 {
  static constexpr quant::Type kType = quant::Type::bf16;
  static constexpr int kBlock = 1, kBytes = 32;
  static void pack(const uint8_t* src, int row, uint8_t* block) { put_half(block, row, read_u16(src)); }
  template <class S>
  static typename S::F weights(const uint8_t* block) {
    return S::load_bf16(reinterpret_cast<const uint16_t*>(block));
  }
};

}  // namespace halcyon::cpu
