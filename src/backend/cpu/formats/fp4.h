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
  constexpr SixteenBytes raised(int by) const {
    SixteenBytes out = *this;
    for (int8_t& value : out.v) value = static_cast<int8_t>(value + by);
    return out;
  }
};

inline constexpr SixteenBytes kNonLinear{quant::kIq4Nl};
inline constexpr SixteenBytes kE2m1{quant::kE2m1Doubled};
inline constexpr SixteenBytes kTenAtMost{quant::kCodebook10};
inline constexpr SixteenBytes kThreeBits{quant::kRocmfpx3};
inline constexpr SixteenBytes kTwoBits{quant::kRocmfpx2};

/// Values of the table, as codes with `middle`.
template <class S, const SixteenBytes& table, int middle>
inline void look_up(typename S::I* codes, int n) {
  static constexpr SixteenBytes kTable = table.raised(S::kUnsignedCodes ? middle : 0);
  const typename S::Table t = S::table16(kTable.v);
#pragma GCC unroll 8
  for (int i = 0; i < n; ++i) codes[i] = S::lookup(t, codes[i]);
}

struct SmallIQ4_NL : HalfScales {
  static constexpr quant::Type kType = quant::Type::iq4_nl;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 256, kMaxCode = 127, kMiddle = 128;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    SmallQ4_0::pack(src, row, codes, scales);
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    look_up<S, kNonLinear, kMiddle>(out, 8);
  }
};
using IQ4_NL = Together<SmallIQ4_NL, 2>;

struct IQ4_XS {
  static constexpr quant::Type kType = quant::Type::iq4_xs;
  static constexpr int kBlock = 256, kGroup = 32, kBytes = 2240, kMaxCode = 127, kMiddle = 128;
  static constexpr int kRepeatsAfter = 1;
  static constexpr bool kHasMinimum = false;
  static constexpr int kD = 128, kCodesAt = 192;
  static void pack(const uint8_t* src, int row, uint8_t* block) {
    put_words(block + kCodesAt, row, src + 8, 32);
    const uint32_t high = read_u16(src + 2);
    for (int b = 0; b < 8; ++b) {
      const uint32_t low = src[4 + b / 2] >> (4 * (b & 1)) & 15;
      block[16 * b + row] = static_cast<uint8_t>((low | (high >> (2 * b) & 3) << 4) - 32);
    }
    put_half(block + kD, row, read_u16(src));
  }
  template <class S>
  static void codes(const uint8_t* block, int b, typename S::I* out) {
    nibbles32<S>(block + kCodesAt + 256 * b, out);
    look_up<S, kNonLinear, kMiddle>(out, 8);
  }
  template <class S>
  static typename S::F scale(const uint8_t* block, int b) {
    return signed_scale<S>(block + kD, block, b);
  }
};

/// The power-of-two scale is stored as the BF16 that it is exactly, subnormals included.
struct SmallMXFP4 {
  static constexpr quant::Type kType = quant::Type::mxfp4;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 256, kScales = 32, kMaxCode = 12, kMiddle = 16;
  static constexpr bool kHasMinimum = false;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src + 1, 4);
    const uint32_t e = src[0];
    put_half(scales, row, static_cast<uint16_t>(e >= 2 ? (e - 1) << 7 : 0x20u << e));
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    look_up<S, kE2m1, kMiddle>(out, 8);
  }
  template <class S>
  static typename S::F scale(const uint8_t* scales, int) {
    return S::load_bf16(reinterpret_cast<const uint16_t*>(scales));
  }
};
using MXFP4 = Together<SmallMXFP4, 2>;

/// UE4M3 scales of n groups, one byte for each group and row.
template <int n>
struct Ue4m3Scales {
  static constexpr bool kHasMinimum = false;
  static constexpr int kScales = 16 * n;
  template <class S>
  static typename S::F scale(const uint8_t* scales, int group) {
    return ue4m3_half<S>(scales + 16 * group);
  }
  static void put_scales(uint8_t* scales, int row, const uint8_t* e) {
    for (int i = 0; i < n; ++i) scales[16 * i + row] = valid_ue4m3(e[i]);
  }
};

struct SmallNVFP4 : Ue4m3Scales<4> {
  static constexpr quant::Type kType = quant::Type::nvfp4;
  static constexpr int kBlock = 64, kGroup = 16, kCodes = 512, kMaxCode = 12, kMiddle = 16;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src + 4, 8);
    for (int t = 0; t < 4; ++t)  // here the top bit is ignored, not invalid
      scales[16 * t + row] = valid_ue4m3(src[t] & 0x7F);
  }
  template <class S>
  static void codes(const uint8_t* block, int t, typename S::I* out) {
    for (int w = 0; w < 2; ++w) {
      const typename S::I word = words<S>(block, 2 * t + w);
      out[w] = field<S, 4>(word, 0);
      out[w + 2] = field<S, 4>(word, 4);
    }
    look_up<S, kE2m1, kMiddle>(out, 4);
  }
};
using NVFP4 = Together<SmallNVFP4, 1>;

struct SmallRocmFp4 : Ue4m3Scales<2> {
  static constexpr quant::Type kType = quant::Type::q4_0_rocmfp4;
  static constexpr int kBlock = 32, kGroup = 16, kCodes = 256, kMaxCode = 10, kMiddle = 16;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src, 4);
    put_scales(scales, row, src + 16);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) out[w] = field<S, 4>(words<S>(block, w), 4 * half);
    look_up<S, kTenAtMost, kMiddle>(out, 4);
  }
};
using RocmFp4 = Together<SmallRocmFp4, 2>;

struct SmallRocmFp4Fast : Ue4m3Scales<1> {
  static constexpr quant::Type kType = quant::Type::q4_0_rocmfp4_fast;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 256, kMaxCode = 10, kMiddle = 16;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src, 4);
    put_scales(scales, row, src + 16);
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    nibbles32<S>(block, out);
    look_up<S, kTenAtMost, kMiddle>(out, 8);
  }
};
using RocmFp4Fast = Together<SmallRocmFp4Fast, 4>;

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

struct SmallRocmFpx2 : Ue4m3Scales<2> {
  static constexpr quant::Type kType = quant::Type::q2_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 16, kCodes = 128, kMaxCode = 4, kMiddle = 4;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_two_bits(codes, row, [&](int w) { return spread_pairs(src[w]); });
    put_scales(scales, row, src + 8);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) out[w] = field<S, 2>(words<S>(block, half), 2 * w);
    look_up<S, kTwoBits, kMiddle>(out, 4);
  }
};
using RocmFpx2 = Together<SmallRocmFpx2, 2>;

struct SmallRocmFpx3 : Ue4m3Scales<2> {
  static constexpr quant::Type kType = quant::Type::q3_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 16, kCodes = 192, kMaxCode = 4, kMiddle = 4;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    uint32_t signs = 0;
#pragma GCC unroll 8  // makes every shift a constant
    for (int w = 0; w < 8; ++w) signs |= (four_codes<3>(src, w) >> 2 & 0x01010101u) << w;
    put_two_bits(codes, row, [&](int w) { return four_codes<3>(src, w) & 0x03030303u; });
    put_word(codes, 2, row, signs);
    put_scales(scales, row, src + 12);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) {
      const typename S::I sign = field_to<S, 1, 2>(words<S>(block, 2), 4 * half + w);
      out[w] = S::or_i(field<S, 2>(words<S>(block, half), 2 * w), sign);
    }
    look_up<S, kThreeBits, kMiddle>(out, 4);
  }
};
using RocmFpx3 = Together<SmallRocmFpx3, 2>;

/// Value + 32 of four codes of sign (bit 5) and magnitude. Code 32, which would be -0, stands for -32.
inline uint32_t offset_codes(uint32_t four) {
  const uint32_t magnitude = four & 0x1F1F1F1Fu, negative = four >> 5 & 0x01010101u;
  // 31 - m + 1 for the negative ones; 32, which only m = 0 gives, loses its bit and is 0 as it should be.
  return (((magnitude ^ negative * 0x1F) + negative) & 0x1F1F1F1Fu) + (~four & 0x20202020u);
}

/// In nibbles and two-bit fields, as value + 32.
struct SmallRocmFpx6 : Ue4m3Scales<2> {
  static constexpr quant::Type kType = quant::Type::q6_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 16, kCodes = 384, kMaxCode = 32, kMiddle = 32;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    uint32_t four[8];
#pragma GCC unroll 8  // makes every shift a constant
    for (int w = 0; w < 8; ++w) four[w] = offset_codes(four_codes<6>(src, w));
    for (int w = 0; w < 4; ++w)
      put_word(codes, w, row, (four[w] & 0x0F0F0F0Fu) | (four[w + 4] & 0x0F0F0F0Fu) << 4);
    put_two_bits(codes + 256, row, [&](int w) { return four[w] >> 4 & 0x03030303u; });
    put_scales(scales, row, src + 24);
  }
  template <class S>
  static void codes(const uint8_t* block, int half, typename S::I* out) {
    for (int w = 0; w < 4; ++w) {
      const typename S::I high = field_to<S, 2, 4>(words<S>(block + 256, half), 2 * w);
      out[w] = S::or_i(field<S, 4>(words<S>(block, w), 4 * half), high);
    }
    without<S, 32>(out, 4);
  }
};
using RocmFpx6 = Together<SmallRocmFpx6, 2>;

struct SmallRocmFpx8 : Ue4m3Scales<1> {
  static constexpr quant::Type kType = quant::Type::q8_0_rocmfpx;
  static constexpr int kBlock = 32, kGroup = 32, kCodes = 512, kMaxCode = 128, kMiddle = 128;
  static void pack(const uint8_t* src, int row, uint8_t* codes, uint8_t* scales) {
    put_words(codes, row, src, 8);
    put_scales(scales, row, src + 32);
  }
  template <class S>
  static void codes(const uint8_t* block, int, typename S::I* out) {
    bytes32<S>(block, out);
  }
};
using RocmFpx8 = Together<SmallRocmFpx8, 4>;

}  // namespace halcyon::cpu
