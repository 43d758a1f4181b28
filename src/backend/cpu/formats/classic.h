// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: 32 elements, a float16 scale, perhaps a float16 minimum.
#pragma once

#include "backend/cpu/formats/tile.h"

namespace halcyon::cpu {

/// Scale and minimum that lie as float16 behind the codes.
template <int codes_bytes>
struct HalfScales {
  template <class S>
  static typename S::F scale(const uint8_t* block, int) {
    return S::load_f16(reinterpret_cast<const uint16_t*>(block + codes_bytes));
  }
  /// For codes that have `middle` taken off; these formats add what they call their minimum.
  template <class S, int middle>
  static typename S::F minimum_below(const uint8_t* block) {
    const typename S::F added = S::load_f16(reinterpret_cast<const uint16_t*>(block + codes_bytes + 32));
    return S::fma(S::set1(-middle), scale<S>(block, 0), S::sub(S::zero(), added));
  }
};

struct Q4_0 : HalfScales<256> {
  static constexpr quant::Type kType = quant::Type::q4_0;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 288, kMaxCode = 8;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 2, 4);
    put_half(block + 256, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    take_off<S>(8, out, 8);
  }
};

struct Q4_1 : HalfScales<256> {
  static constexpr quant::Type kType = quant::Type::q4_1;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 320, kMaxCode = 8;
  static constexpr bool kHasMinimum = true;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 4, 4);
    put_half(block + 256, row, read_u16(src));
    put_half(block + 288, row, read_u16(src + 2));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    take_off<S>(8, out, 8);
  }
  template <class S>
  static typename S::F minimum(const uint8_t* block, int) {
    return minimum_below<S, 8>(block);
  }
};

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
  take_off<S>(16, out, 8);
}

struct Q5_0 : HalfScales<320> {
  static constexpr quant::Type kType = quant::Type::q5_0;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 352, kMaxCode = 16;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 6, 4);
    put_word(block, 4, row, fifth_bits(read_u32(src + 2)));
    put_half(block + 320, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    five_bits32<S>(block, out);
  }
};

struct Q5_1 : HalfScales<320> {
  static constexpr quant::Type kType = quant::Type::q5_1;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 384, kMaxCode = 16;
  static constexpr bool kHasMinimum = true;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 8, 4);
    put_word(block, 4, row, fifth_bits(read_u32(src + 4)));
    put_half(block + 320, row, read_u16(src));
    put_half(block + 352, row, read_u16(src + 2));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    five_bits32<S>(block, out);
  }
  template <class S>
  static typename S::F minimum(const uint8_t* block, int) {
    return minimum_below<S, 16>(block);
  }
};

template <class S>
inline void bytes32(const uint8_t* block, typename S::I* out) {
#pragma GCC unroll 8
  for (int w = 0; w < 8; ++w) out[w] = words<S>(block, w);
}

struct Q8_0 : HalfScales<512> {
  static constexpr quant::Type kType = quant::Type::q8_0;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 544, kMaxCode = 128;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 2, 8);
    put_half(block + 512, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    bytes32<S>(block, out);
  }
};

}  // namespace halcyon::cpu
