// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: 32 elements, a float16 scale, perhaps a float16 minimum.
#pragma once

#include "backend/cpu/formats/tile.h"

namespace halcyon::cpu {

/// Scales that are float16.
struct HalfScales {
  static constexpr bool kHasMinimum = false;
  static constexpr int kScales = 32;
  template <class S>
  static typename S::F scale(const uint8_t* scales, int) {
    return S::load_f16(reinterpret_cast<const uint16_t*>(scales));
  }
};

/// Scales and minima. Codes have `middle` taken off, and these formats add what they call their minimum.
template <int middle>
struct HalfScalesAndMinima : HalfScales {
  static constexpr bool kHasMinimum = true;
  static constexpr int kScales = 64;
  template <class S>
  static typename S::F minimum(const uint8_t* scales, int) {
    const typename S::F added = S::load_f16(reinterpret_cast<const uint16_t*>(scales + 32));
    return S::fma(S::set1(-middle), scale<S>(scales, 0), S::sub(S::zero(), added));
  }
};

struct SmallQ4_0 : HalfScales {
  static constexpr quant::Type kType = quant::Type::q4_0;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 256, kMaxCode = 8, kMiddle = 8;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src + 2, 4);
    put_half(scales, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    without<S, 8>(out, 8);
  }
};
using Q4_0 = Together<SmallQ4_0, 2>;

struct SmallQ4_1 : HalfScalesAndMinima<8> {
  static constexpr quant::Type kType = quant::Type::q4_1;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 256, kMaxCode = 8, kMiddle = 8;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src + 4, 4);
    put_half(scales, row, read_u16(src));
    put_half(scales + 32, row, read_u16(src + 2));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    without<S, 8>(out, 8);
  }
};
using Q4_1 = Together<SmallQ4_1, 1>;

/// Fifth bits: that of element 4 w + b is moved to bit 8 b + w of one word, so that one shift brings four to
/// their bytes.
inline uint32_t fifth_bits(uint32_t qh) {
  uint32_t out = 0;
  for (int w = 0; w < 8; ++w) out |= spread_bits(qh >> (4 * w)) << w;
  return out;
}

template <class S>
inline void five_bits32(const uint8_t* block, typename S::I* out) {
  nibbles32<S>(block, out);
  const typename S::I high = words<S>(block, 4);
#pragma GCC unroll 8
  for (int w = 0; w < 8; ++w) out[w] = S::or_i(out[w], field_to<S, 1, 4>(high, w));
  without<S, 16>(out, 8);
}

struct SmallQ5_0 : HalfScales {
  static constexpr quant::Type kType = quant::Type::q5_0;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 320, kMaxCode = 16, kMiddle = 16;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src + 6, 4);
    put_word(codes, 4, row, fifth_bits(read_u32(src + 2)));
    put_half(scales, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    five_bits32<S>(block, out);
  }
};
using Q5_0 = Together<SmallQ5_0, 2>;

struct SmallQ5_1 : HalfScalesAndMinima<16> {
  static constexpr quant::Type kType = quant::Type::q5_1;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 320, kMaxCode = 16, kMiddle = 16;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src + 8, 4);
    put_word(codes, 4, row, fifth_bits(read_u32(src + 4)));
    put_half(scales, row, read_u16(src));
    put_half(scales + 32, row, read_u16(src + 2));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    five_bits32<S>(block, out);
  }
};
using Q5_1 = Together<SmallQ5_1, 1>;

/// 32 signed bytes as they are in the file.
template <class S>
inline void bytes32(const uint8_t* block, typename S::I* out) {
#pragma GCC unroll 8
  for (int w = 0; w < 8; ++w) {
    out[w] = words<S>(block, w);
    if constexpr (S::kUnsignedCodes) out[w] = S::sub_i8(out[w], S::set1_i(static_cast<int32_t>(0x80808080u)));
  }
}

struct SmallQ8_0 : HalfScales {
  static constexpr quant::Type kType = quant::Type::q8_0;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 512, kMaxCode = 128, kMiddle = 128;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src + 2, 8);
    put_half(scales, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    bytes32<S>(block, out);
  }
};
using Q8_0 = Together<SmallQ8_0, 2>;

}  // namespace halcyon::cpu
