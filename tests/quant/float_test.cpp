#include "quant/float.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace halcyon::quant {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(F16, EveryValueComesBack) {
  for (uint32_t h = 0; h <= 0xFFFF; ++h) {
    const float f = f16_to_f32(static_cast<uint16_t>(h));
    if (std::isnan(f))
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(f)))) << h;
    else
      EXPECT_EQ(f32_to_f16(f), h);
  }
}

TEST(F16, KnownValues) {
  EXPECT_EQ(f16_to_f32(0x3C00), 1.0f);
  EXPECT_EQ(f16_to_f32(0x7BFF), 65504.0f);
  EXPECT_EQ(f16_to_f32(0x0001), 0x1p-24f);
  EXPECT_EQ(f16_to_f32(0x03FF), 1023 * 0x1p-24f);
  EXPECT_EQ(f16_to_f32(0x0400), 0x1p-14f);
  EXPECT_EQ(f16_to_f32(0xFC00), -kInfinity);
  EXPECT_TRUE(std::signbit(f16_to_f32(0x8000)));
  EXPECT_TRUE(std::isnan(f16_to_f32(0x7C01)));
}

TEST(F16, RoundsToNearestEven) {
  EXPECT_EQ(f32_to_f16(1.0f + 0x1p-11f), 0x3C00);             // a tie, down to even
  EXPECT_EQ(f32_to_f16(1.0f + 3 * 0x1p-11f), 0x3C02);         // a tie, up to even
  EXPECT_EQ(f32_to_f16(1.0f + 0x1p-11f + 0x1p-20f), 0x3C01);  // above the tie
  EXPECT_EQ(f32_to_f16(0x1p-25f), 0x0000);                    // half of the smallest, a tie
  EXPECT_EQ(f32_to_f16(3 * 0x1p-25f), 0x0002);
  EXPECT_EQ(f32_to_f16(0x1.8p-25f), 0x0001);
  EXPECT_EQ(f32_to_f16(65519.996f), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0f), 0x7C00);
  EXPECT_EQ(f32_to_f16(-kInfinity), 0xFC00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0x0000);
}

TEST(F16, IsTheNearestOfTheTwoNeighboursOfAnyFloat) {
  constexpr uint32_t kSeed = 20261;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  std::mt19937 random(kSeed);
  for (int i = 0; i < 100'000; ++i) {
    const float f = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(f) || std::abs(f) >= 65504.0f) continue;
    const uint16_t h = f32_to_f16(f);
    const auto distance = [f](int bits) {
      return std::abs(double{f16_to_f32(static_cast<uint16_t>(bits))} - f);
    };
    EXPECT_EQ(h >> 15, std::signbit(f));
    EXPECT_LE(distance(h), distance(h + 1)) << f;
    if ((h & 0x7FFF) == 0) continue;  // there is none below zero
    EXPECT_LE(distance(h), distance(h - 1)) << f;
  }
}

TEST(Bf16, IsTheUpperHalfOfAFloat) {
  EXPECT_EQ(bf16_to_f32(0x3F80), 1.0f);
  EXPECT_EQ(bf16_to_f32(0x0001), std::bit_cast<float>(0x00010000u));
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F808000u)), 0x3F80);  // a tie, down to even
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F818000u)), 0x3F82);  // a tie, up to even
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3F808001u)), 0x3F81);
  EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7F800001u)), 0x7FC0);  // a NaN stays one
  EXPECT_EQ(f32_to_bf16(-0.0f), 0x8000);
}

TEST(E8m0, IsHalved) {
  EXPECT_EQ(e8m0_half(128), 1.0f);
  EXPECT_EQ(e8m0_half(127), 0.5f);
  for (int e = 0; e < 256; ++e) EXPECT_EQ(e8m0_half(static_cast<uint8_t>(e)), std::ldexp(1.0, e - 128)) << e;
}

TEST(Ue4m3, IsHalvedAndInvalidBytesAreZero) {
  EXPECT_EQ(ue4m3_half(0), 0.0f);
  EXPECT_EQ(ue4m3_half(1), 0x1p-10f);
  EXPECT_EQ(ue4m3_half(0x08), 0x1p-7f);
  EXPECT_EQ(ue4m3_half(0x38), 0.5f);
  EXPECT_EQ(ue4m3_half(0x40), 1.0f);
  EXPECT_EQ(ue4m3_half(0x7E), 224.0f);
  for (int e = 1; e <= 0x7E; ++e)
    EXPECT_GT(ue4m3_half(static_cast<uint8_t>(e)), ue4m3_half(static_cast<uint8_t>(e - 1))) << e;
  for (int e = 0x7F; e <= 0xFF; ++e) EXPECT_EQ(ue4m3_half(static_cast<uint8_t>(e)), 0.0f) << e;
}

}  // namespace
}  // namespace halcyon::quant
