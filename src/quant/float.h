// The small float formats of tensor data, converted exactly, one value at a time.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace halcyon::quant {

/// IEEE binary16 to binary32. Every value is exact; NaNs keep their payload.
constexpr float f16_to_f32(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  uint32_t bits = (magnitude << 13) + (112u << 23);  // another exponent bias
  if (magnitude < 0x0400) bits = std::bit_cast<uint32_t>(static_cast<float>(magnitude) * 0x1p-24f);
  if (magnitude >= 0x7C00) bits = 0x7F800000 | (magnitude << 13);
  return std::bit_cast<float>(sign | bits);
}

/// binary32 to IEEE binary16, to nearest, ties to even. NaNs become quiet.
constexpr uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  uint32_t half = 0;
  if (magnitude > 0x7F800000) {
    half = 0x7E00 | ((magnitude >> 13) & 0x03FF);
  } else if (magnitude >= 0x477FF000) {  // 65520 and more round to infinity
    half = 0x7C00;
  } else if (magnitude < 0x38800000) {  // a subnormal half, a multiple of 2^-24: the last place of 0.5
    half = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
  } else {
    half = (magnitude - (112u << 23) + 0x0FFF + ((magnitude >> 13) & 1)) >> 13;
  }
  return static_cast<uint16_t>(sign | half);
}

/// bfloat16, the upper half of a binary32, to binary32.
constexpr float bf16_to_f32(uint16_t bf16) { return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16); }

/// binary32 to bfloat16, to nearest, ties to even. NaNs become quiet.
constexpr uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>((bits >> 16) | 0x0040);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// Half of an E8M0 scale, 2^(e - 128), for doubled code tables. e = 0 and 1 are subnormals.
constexpr float e8m0_half(uint8_t e) {
  return std::bit_cast<float>(e < 2 ? 0x00200000u << e : static_cast<uint32_t>(e - 1) << 23);
}

inline constexpr auto kUe4m3Half = [] {
  std::array<float, 256> values{};
  for (uint32_t e = 0; e < 0x7F; ++e) {
    const uint32_t exponent = e >> 3, mantissa = e & 7;
    // Subnormals are m * 2^-10, the others (8 + m) * 2^(exponent - 11).
    const float unit = std::bit_cast<float>((exponent == 0 ? 127 - 10 : 127 - 11 + exponent) << 23);
    values[e] = unit * static_cast<float>(exponent == 0 ? mantissa : 8 + mantissa);
  }
  return values;
}();

/// Half of an unsigned E4M3 scale, for doubled code tables. 0x7F, the NaN, and all of 0x80.. give 0.
constexpr float ue4m3_half(uint8_t e) { return kUe4m3Half[e]; }

}  // namespace halcyon::quant
