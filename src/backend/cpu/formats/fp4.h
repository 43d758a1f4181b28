// Formats whose codes stand for the values of a table: IQ4_NL, IQ4_XS, MXFP4, NVFP4 and the ROCmFP* family. A
// byte shuffle looks the values up.
#pragma once

#include <array>

#include "backend/cpu/formats/classic.h"
#include "backend/cpu/formats/k_quants.h"
#include "backend/cpu/formats/tile.h"

namespace halcyon::cpu {

/// A table as lookup() takes it.
struct SixteenBytes {
  int8_t v[16] = {};
  template <size_t n>
  constexpr SixteenBytes(const std::array<int8_t, n>& values) {
    for (size_t i = 0; i < n; ++i) v[i] = values[i];
  }
};

inline constexpr SixteenBytes kNonLinear{quant::kIq4Nl};
inline constexpr SixteenBytes kE2m1{quant::kE2m1Doubled};
inline constexpr SixteenBytes kTenAtMost{quant::kCodebook10};
inline constexpr SixteenBytes kThreeBits{quant::kRocmfpx3};
inline constexpr SixteenBytes kTwoBits{quant::kRocmfpx2};

template <class S>
inline void look_up(const SixteenBytes& table, typename S::I* codes, int n) {
  const typename S::Table t = S::table16(table.v);
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) codes[i] = S::lookup(t, codes[i]);
}

struct IQ4_NL : HalfScales<256> {
  static constexpr quant::Type kType = quant::Type::iq4_nl;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 288, kMaxCode = 127;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) { Q4_0::pack(src, row, block); }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    look_up<S>(kNonLinear, out, 8);
  }
};

struct IQ4_XS {
  static constexpr quant::Type kType = quant::Type::iq4_xs;
  static constexpr int kBlock = 256, kGroup = 32, kBytes = 2208, kMaxCode = 127;
  static constexpr bool kHasMinimum = false;
  static constexpr int kScales = 2048, kD = 2176;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 8, 32);
    const uint32_t high = read_u16(src + 2);
    for (int b = 0; b < 8; ++b) {
      const uint32_t low = src[4 + b / 2] >> (4 * (b & 1)) & 15;
      block[kScales + 16 * b + row] = static_cast<uint8_t>((low | (high >> (2 * b) & 3) << 4) - 32);
    }
    put_half(block + kD, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int b, typename S::I* out) {
    nibbles32<S>(block + 256 * b, out);
    look_up<S>(kNonLinear, out, 8);
  }
  template <class S>
  static typename S::F scale(const uint8_t* block, int b) {
    return signed_scale<S>(block + kD, block + kScales, b);
  }
};

/// The power-of-two scale is stored as the BF16 that it is exactly, subnormals included.
struct MXFP4 {
  static constexpr quant::Type kType = quant::Type::mxfp4;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 288, kMaxCode = 12;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 1, 4);
    const uint32_t e = src[0];
    put_half(block + 256, row, static_cast<uint16_t>(e >= 2 ? (e - 1) << 7 : 0x20u << e));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    look_up<S>(kE2m1, out, 8);
  }
  template <class S>
  static typename S::F scale(const uint8_t* block, int) {
    return S::load_bf16(reinterpret_cast<const uint16_t*>(block + 256));
  }
};

/// UE4M3 scales, one byte for each group and row, behind the codes.
template <int codes_bytes>
struct Ue4m3Scales {
  template <class S>
  static typename S::F scale(const uint8_t* block, int group) {
    return ue4m3_half<S>(block + codes_bytes + 16 * group);
  }
  static void put_scales(uint8_t* block, int row, const uint8_t* e, int n) {
    for (int i = 0; i < n; ++i) block[codes_bytes + 16 * i + row] = valid_ue4m3(e[i]);
  }
};

struct NVFP4 : Ue4m3Scales<512> {
  static constexpr quant::Type kType = quant::Type::nvfp4;
  static constexpr int kBlock = 64, kGroup = 16, kBytes = 576, kMaxCode = 12;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src + 4, 8);
    for (int t = 0; t < 4; ++t) {
      const uint8_t e = src[t] & 0x7F;  // here the top bit is ignored, not invalid
      put_scales(block + 16 * t, row, &e, 1);
    }
  }
  template <class S>
  static void codes(const uint8_t* block, int t, typename S::I* out) {
    for (int w = 0; w < 2; ++w) {
      const typename S::I word = words<S>(block, 2 * t + w);
      out[w] = field<S, 4>(word, 0);
      out[w + 2] = field<S, 4>(word, 4);
    }
    look_up<S>(kE2m1, out, 4);
  }
};

struct RocmFp4 : Ue4m3Scales<256> {
  static constexpr quant::Type kType = quant::Type::q4_0_rocmfp4;
  static constexpr int kBlock = 32, kGroup = 16, kBytes = 288, kMaxCode = 10;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src, 4);
    put_scales(block, row, src + 16, 2);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) out[w] = field<S, 4>(words<S>(block, w), 4 * half);
    look_up<S>(kTenAtMost, out, 4);
  }
};

struct RocmFp4Fast : Ue4m3Scales<256> {
  static constexpr quant::Type kType = quant::Type::q4_0_rocmfp4_fast;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 272, kMaxCode = 10;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src, 4);
    put_scales(block, row, src + 16, 1);
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    look_up<S>(kTenAtMost, out, 8);
  }
};

/// Codes 4 w … 4 w + 3 of a little-endian string of 32 codes of 3 or 6 bits, a byte each. Reads four bytes,
/// of which the last may be one of the scales behind the codes.
template <int width>
inline uint32_t four_codes(const uint8_t* src, int w) {
  constexpr uint32_t mask = (1u << width) - 1;
  const int bit = 4 * width * w;
  const uint32_t bits = read_u32(src + bit / 8) >> (bit % 8);
  return (bits & mask) | (bits >> width & mask) << 8 | (bits >> 2 * width & mask) << 16 |
         (bits >> 3 * width & mask) << 24;
}

/// 32 two-bit codes as two words of 16: those of elements 16 h + 4 t … + 3 at bits 2 t of the bytes of word
/// h. four(w) has the codes 4 w … 4 w + 3, a byte each.
template <class Four>
inline void put_two_bits(uint8_t* block, int row, Four four) {
#pragma GCC unroll 2
  for (int h = 0; h < 2; ++h) {
    uint32_t word = 0;
#pragma GCC unroll 4
    for (int t = 0; t < 4; ++t) word |= four(4 * h + t) << (2 * t);
    put_word(block, h, row, word);
  }
}

struct RocmFpx2 : Ue4m3Scales<128> {
  static constexpr quant::Type kType = quant::Type::q2_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 16, kBytes = 160, kMaxCode = 4;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_two_bits(block, row, [&](int w) { return spread_pairs(src[w]); });
    put_scales(block, row, src + 8, 2);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) out[w] = field<S, 2>(words<S>(block, half), 2 * w);
    look_up<S>(kTwoBits, out, 4);
  }
};

struct RocmFpx3 : Ue4m3Scales<192> {
  static constexpr quant::Type kType = quant::Type::q3_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 16, kBytes = 224, kMaxCode = 4;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    uint32_t signs = 0;
#pragma GCC unroll 8  // makes every shift a constant
    for (int w = 0; w < 8; ++w) signs |= (four_codes<3>(src, w) >> 2 & 0x01010101u) << w;
    put_two_bits(block, row, [&](int w) { return four_codes<3>(src, w) & 0x03030303u; });
    put_word(block, 2, row, signs);
    put_scales(block, row, src + 12, 2);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) {
      const typename S::I sign = field_to<S, 1, 2>(words<S>(block, 2), 4 * half + w);
      out[w] = S::or_i(field<S, 2>(words<S>(block, half), 2 * w), sign);
    }
    look_up<S>(kThreeBits, out, 4);
  }
};

/// Value + 32 of four codes of sign (bit 5) and magnitude. Code 32, which would be -0, stands for -32.
inline uint32_t offset_codes(uint32_t four) {
  const uint32_t magnitude = four & 0x1F1F1F1Fu, negative = four >> 5 & 0x01010101u;
  // 31 - m + 1 for the negative ones; 32, which only m = 0 gives, loses its bit and is 0 as it should be.
  return (((magnitude ^ negative * 0x1F) + negative) & 0x1F1F1F1Fu) + (~four & 0x20202020u);
}

/// In nibbles and two-bit fields, as value + 32.
struct RocmFpx6 : Ue4m3Scales<384> {
  static constexpr quant::Type kType = quant::Type::q6_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 16, kBytes = 416, kMaxCode = 32;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    uint32_t codes[8];
#pragma GCC unroll 8  // makes every shift a constant
    for (int w = 0; w < 8; ++w) codes[w] = offset_codes(four_codes<6>(src, w));
    for (int w = 0; w < 4; ++w)
      put_word(block, w, row, (codes[w] & 0x0F0F0F0Fu) | (codes[w + 4] & 0x0F0F0F0Fu) << 4);
    put_two_bits(block + 256, row, [&](int w) { return codes[w] >> 4 & 0x03030303u; });
    put_scales(block, row, src + 24, 2);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) {
      const typename S::I high = field_to<S, 2, 4>(words<S>(block + 256, half), 2 * w);
      out[w] = S::or_i(field<S, 4>(words<S>(block, w), 4 * half), high);
    }
    take_off<S>(32, out, 4);
  }
};

struct RocmFpx8 : Ue4m3Scales<512> {
  static constexpr quant::Type kType = quant::Type::q8_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 32, kBytes = 528, kMaxCode = 128;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block, row, src, 8);
    put_scales(block, row, src + 32, 1);
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    bytes32<S>(block, out);
  }
};

}  // namespace halcyon::cpu
