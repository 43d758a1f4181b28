// Q2_K to Q6_K: 256 elements with integer scales (and minima) under a float16 one. Their codes are laid out
// for wide registers already: a word of the file holds fields of four consecutive elements of several groups,
// and stays whole.
#pragma once

#include "backend/cpu/formats/tile.h"

namespace halcyon::cpu {

/// float16 super-scale times a small integer scale of group `group`.
template <class S>
inline typename S::F signed_scale(const uint8_t* d, const uint8_t* scales, int group) {
  const typename S::I sc = S::load_i8(reinterpret_cast<const int8_t*>(scales + 16 * group));
  return S::mul(S::load_f16(reinterpret_cast<const uint16_t*>(d)), S::to_float(sc));
}

template <class S>
inline typename S::F unsigned_scale(const uint8_t* d, typename S::I sc) {
  return S::mul(S::load_f16(reinterpret_cast<const uint16_t*>(d)), S::to_float(sc));
}

// Groups of 16 elements, j = 0 … 15: half h = j / 8 of the block, field s = j % 8 / 2 of its bytes, and the
// first or second 16 of the 32 bytes that hold it.
struct Group16 {
  int h, s, second;
  explicit Group16(int j) : h(j / 8), s(j % 8 / 2), second(j & 1) {}
};

struct Q2_K {
  static constexpr quant::Type kType = quant::Type::q2_K;
  static constexpr int kBlock = 256, kGroup = 16, kBytes = 1344, kMaxCode = 3, kMiddle = 0;
  static constexpr bool kHasMinimum = true;
  static constexpr int kD = 256, kDmin = 288, kCodesAt = 320;  // scales and minima first
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block + kCodesAt, row, src + 16, 16);
    for (int j = 0; j < 16; ++j) block[16 * j + row] = src[j];
    put_half(block + kD, row, read_u16(src + 80));
    put_half(block + kDmin, row, read_u16(src + 82));
  }
  template <class S>
  static void codes(const uint8_t* block, int j, typename S::I* out) {
    const Group16 g(j);
    for (int w = 0; w < 4; ++w)
      out[w] = field<S, 2>(words<S>(block + kCodesAt, 8 * g.h + 4 * g.second + w), 2 * g.s);
  }
  template <class S>
  static typename S::F scale(const uint8_t* block, int j) {
    return unsigned_scale<S>(block + kD, S::and_i(S::load_u8(block + 16 * j), S::set1_i(15)));
  }
  template <class S>
  static typename S::F minimum(const uint8_t* block, int j) {
    return unsigned_scale<S>(block + kDmin, S::template shr<4>(S::load_u8(block + 16 * j)));
  }
};

struct Q3_K {
  static constexpr quant::Type kType = quant::Type::q3_K;
  static constexpr int kBlock = 256, kGroup = 16, kBytes = 1856, kMaxCode = 4, kMiddle = 4;
  static constexpr bool kHasMinimum = false;
  static constexpr int kD = 256, kHigh = 320, kLow = 832;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block + kLow, row, src + 32, 16);
    put_words(block + kHigh, row, src, 8);
    const uint8_t* s = src + 96;
    for (int j = 0; j < 16; ++j) {
      const int low = j < 8 ? s[j] & 15 : s[j - 8] >> 4, high = s[8 + j % 4] >> (2 * (j / 4)) & 3;
      block[16 * j + row] = static_cast<uint8_t>((low | high << 4) - 32);
    }
    put_half(block + kD, row, read_u16(src + 108));
  }
  template <class S>
  static void codes(const uint8_t* block, int j, typename S::I* out) {
    const Group16 g(j);
    for (int w = 0; w < 4; ++w) {
      const typename S::I low = field<S, 2>(words<S>(block + kLow, 8 * g.h + 4 * g.second + w), 2 * g.s);
      const typename S::I high = field_to<S, 1, 2>(words<S>(block + kHigh, 4 * g.second + w), j / 2);
      out[w] = S::or_i(low, high);
    }
    without<S, 4>(out, 4);
  }
  template <class S>
  static typename S::F scale(const uint8_t* block, int j) {
    return signed_scale<S>(block + kD, block, j);
  }
};

/// The eight 6-bit scales and minima of Q4_K and Q5_K, a byte each, to [8 scales, 8 minima][16 rows].
inline void put_scales_and_minima(uint8_t* out, int row, const uint8_t* s) {
  for (int j = 0; j < 8; ++j) {
    const int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
    const int minimum = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
    out[16 * j + row] = static_cast<uint8_t>(scale);
    out[16 * (8 + j) + row] = static_cast<uint8_t>(minimum);
  }
}

/// Scales of Q4_K and Q5_K: bytes, then d and dmin. Codes have `middle` taken off.
template <int middle>
struct ScalesAndMinima {
  static constexpr int kD = 256, kDmin = 288, kCodesAt = 320;
  template <class S>
  static typename S::F scale(const uint8_t* block, int j) {
    return unsigned_scale<S>(block + kD, S::load_u8(block + 16 * j));
  }
  template <class S>
  static typename S::F minimum(const uint8_t* block, int j) {
    const typename S::F m = unsigned_scale<S>(block + kDmin, S::load_u8(block + 16 * (8 + j)));
    return S::fma(S::set1(-middle), scale<S>(block, j), m);
  }
  static void put_scales(const uint8_t* src, int row, uint8_t* block) {
    put_half(block + kD, row, read_u16(src));
    put_half(block + kDmin, row, read_u16(src + 2));
    put_scales_and_minima(block, row, src + 4);
  }
};

struct Q4_K : ScalesAndMinima<8> {
  static constexpr quant::Type kType = quant::Type::q4_K;
  static constexpr int kBlock = 256, kGroup = 32, kBytes = 2368, kMaxCode = 8, kMiddle = 8;
  static constexpr int kRepeatsAfter = 2;
  static constexpr bool kHasMinimum = true;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block + kCodesAt, row, src + 16, 32);
    put_scales(src, row, block);
  }
  template <class S>
  static void codes(const uint8_t* block, int j, typename S::I* out) {
#pragma GCC unroll 8
    for (int w = 0; w < 8; ++w)
      out[w] = field<S, 4>(words<S>(block + kCodesAt, 8 * (j / 2) + w), 4 * (j & 1));
    without<S, 8>(out, 8);
  }
};

struct Q5_K : ScalesAndMinima<16> {
  static constexpr quant::Type kType = quant::Type::q5_K;
  static constexpr int kBlock = 256, kGroup = 32, kBytes = 2880, kMaxCode = 16, kMiddle = 16;
  static constexpr bool kHasMinimum = true;
  static constexpr int kHigh = kCodesAt, kLow = kHigh + 512;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block + kLow, row, src + 48, 32);
    put_words(block + kHigh, row, src + 16, 8);
    put_scales(src, row, block);
  }
  template <class S>
  static void codes(const uint8_t* block, int j, typename S::I* out) {
    for (int w = 0; w < 8; ++w) {
      const typename S::I low = field<S, 4>(words<S>(block + kLow, 8 * (j / 2) + w), 4 * (j & 1));
      out[w] = S::or_i(low, field_to<S, 1, 4>(words<S>(block + kHigh, w), j));
    }
    without<S, 16>(out, 8);
  }
};

struct Q6_K {
  static constexpr quant::Type kType = quant::Type::q6_K;
  static constexpr int kBlock = 256, kGroup = 16, kBytes = 3392, kMaxCode = 32, kMiddle = 32;
  static constexpr bool kHasMinimum = false;
  static constexpr int kD = 256, kHigh = 320, kLow = kHigh + 512, kHalf = 1536;  // of codes: high, low bits
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    for (int h = 0; h < 2; ++h) {
      put_words(block + h * kHalf + kLow, row, src + 64 * h, 16);
      put_words(block + h * kHalf + kHigh, row, src + 128 + 32 * h, 8);
    }
    for (int j = 0; j < 16; ++j) block[16 * j + row] = src[192 + j];
    put_half(block + kD, row, read_u16(src + 208));
  }
  template <class S>
  static void codes(const uint8_t* block, int j, typename S::I* out) {
    const Group16 g(j);
    const uint8_t* half = block + g.h * kHalf;
    for (int w = 0; w < 4; ++w) {
      const typename S::I low =
          field<S, 4>(words<S>(half + kLow, 8 * (g.s & 1) + 4 * g.second + w), 4 * (g.s / 2));
      const typename S::I high = field_to<S, 2, 4>(words<S>(half + kHigh, 4 * g.second + w), 2 * g.s);
      out[w] = S::or_i(low, high);
    }
    without<S, 32>(out, 4);
  }
  template <class S>
  static typename S::F scale(const uint8_t* block, int j) {
    return signed_scale<S>(block + kD, block, j);
  }
};

}  // namespace halcyon::cpu
