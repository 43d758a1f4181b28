// Layout and special values of the decoders: a synthetic block of each format with its known elements.
#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>

#include "quant/float.h"
#include "quant/type.h"
#include "tests/support/support.h"

namespace halcyon::quant {
namespace {

using Bytes = std::vector<uint8_t>;

/// The elements of whole blocks.
std::vector<float> decode(Type type, const Bytes& bytes) {
  const Traits& t = traits(type);
  std::vector<float> values(bytes.size() / t.bytes * t.block);
  t.decode(reinterpret_cast<const std::byte*>(bytes.data()), values.data(), values.size());
  return values;
}

/// Byte i is 53 i + 17, then `fields` are laid over it.
struct KnownBlock {
  Type type;
  std::vector<std::pair<size_t, Bytes>> fields;  // offset, bytes
  std::vector<std::pair<size_t, double>> elements;
  double sum;           // of y[i]
  double weighted_sum;  // of (i + 1) * y[i]
};

const Bytes kHalf{0x00, 0x38}, kQuarter{0x00, 0x34};  // f16 0.5 and 0.25
const Bytes kE0{0x35}, kE0E1{0x35, 0x42};             // UE4M3 halved: 0.40625, 1.25

// clang-format off
const std::vector<KnownBlock> kKnownBlocks{
    {Type::q4_0, {{0, kHalf}}, {{0, 1.5}, {1, -4.0}, {15, -1.0}, {16, -0.5}, {31, 0.5}}, -3.5, -43.5},
    {Type::q4_1, {{0, kHalf}, {2, kQuarter}}, {{0, 2.75}, {1, 5.25}, {15, 0.25}, {16, 7.25}, {31, 0.25}}, 129.5, 2085.0},
    {Type::q5_0, {{0, kHalf}}, {{0, 7.5}, {1, 2.0}, {15, 5.0}, {16, 2.0}, {31, -5.0}}, -1.5, -316.5},
    {Type::q5_1, {{0, kHalf}, {2, kQuarter}}, {{0, 12.75}, {1, 7.25}, {15, 2.25}, {16, 13.75}, {31, 14.75}}, 251.5, 3888.0},
    {Type::q2_K, {{80, kHalf}, {82, kQuarter}}, {{0, 0.25}, {1, 0.75}, {33, 3.75}, {128, 1.75}, {255, 5.5}}, 935.5, 133302.5},
    {Type::q3_K, {{108, kHalf}}, {{0, -7.5}, {1, 15.0}, {33, 13.5}, {128, -0.5}, {255, 26.0}}, 135.0, 35022.5},
    {Type::q4_K, {{0, kHalf}, {2, kQuarter}}, {{0, 4.25}, {1, 96.75}, {33, 105.5}, {128, 20.5}, {255, 215.5}}, 22972.0, 3106884.0},
    {Type::q5_K, {{0, kHalf}, {2, kQuarter}}, {{0, 300.25}, {1, 96.75}, {33, 235.5}, {128, 20.5}, {255, 435.5}}, 49916.0, 6690660.0},
    {Type::q6_K, {{208, kHalf}}, {{0, 352.5}, {1, -141.0}, {33, -295.0}, {128, -907.5}, {255, -50.0}}, 1494.0, 85312.0},
    {Type::iq4_nl, {{0, kHalf}}, {{0, 19.0}, {1, -63.5}, {15, -11.0}, {16, -5.0}, {31, 6.5}}, -22.5, -42.0},
    {Type::iq4_xs, {{0, kHalf}}, {{0, 136.5}, {1, 934.5}, {33, 623.0}, {128, -110.5}, {255, -508.0}}, -6917.0, -688438.0},
    {Type::mxfp4, {{0, {0x7E}}}, {{0, 2.0}, {1, -0.75}, {15, 0.25}, {16, 1.0}, {31, 2.0}}, 0.25, -10.0},
    {Type::nvfp4, {{0, {0x30, 0x38, 0x41, 0x4F}}}, {{0, 1.5}, {7, 0.0}, {8, -2.0}, {16, -3.0}, {63, 22.5}}, 67.125, 4008.75},
    {Type::q4_0_rocmfp4, {{16, kE0E1}}, {{0, 0.40625}, {1, 3.25}, {15, -1.625}, {16, 1.25}, {31, 2.5}}, -7.5, -340.5},
    {Type::q4_0_rocmfp4_fast, {{16, kE0}}, {{0, 0.40625}, {1, 3.25}, {15, -1.625}, {16, 0.40625}, {31, 0.8125}}, -2.4375, -119.4375},
    {Type::q3_0_rocmfpx, {{12, kE0E1}}, {{0, 0.40625}, {1, 0.8125}, {15, 0.0}, {16, -5.0}, {31, 2.5}}, -3.75, -111.03125},
    {Type::q6_0_rocmfpx, {{24, kE0E1}}, {{0, 6.90625}, {1, 9.75}, {15, 8.9375}, {16, 16.25}, {31, -26.25}}, -29.125, -1540.1875},
    {Type::q8_0_rocmfpx, {{32, kE0}}, {{0, 6.90625}, {1, 28.4375}, {15, 17.875}, {16, 39.40625}, {31, 50.375}}, 84.5, 2307.5},
    {Type::q2_0_rocmfpx, {{8, kE0E1}}, {{0, -0.40625}, {1, -1.625}, {15, 0.40625}, {16, -1.25}, {31, 1.25}}, -10.3125, -235.21875},
};
// clang-format on

TEST(Decode, KnownBlocks) {
  for (const KnownBlock& known : kKnownBlocks) {
    SCOPED_TRACE(name_of(known.type));
    Bytes block(traits(known.type).bytes);
    for (size_t i = 0; i < block.size(); ++i) block[i] = static_cast<uint8_t>(53 * i + 17);
    for (const auto& [offset, bytes] : known.fields)
      std::ranges::copy(bytes, block.begin() + static_cast<ptrdiff_t>(offset));

    const auto y = decode(known.type, block);
    for (const auto& [i, value] : known.elements) EXPECT_EQ(y[i], value) << "element " << i;
    double sum = 0, weighted_sum = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      sum += y[i];
      weighted_sum += static_cast<double>(i + 1) * y[i];
    }
    EXPECT_EQ(sum, known.sum);
    EXPECT_EQ(weighted_sum, known.weighted_sum);
  }
}

TEST(Decode, EveryDecoderTakesRowsOfManyBlocksAtAnyAlignment) {
  for (const KnownBlock& known : kKnownBlocks) {
    SCOPED_TRACE(name_of(known.type));
    const Traits& t = traits(known.type);
    Bytes row(3 * t.bytes);
    for (size_t i = 0; i < row.size(); ++i) row[i] = static_cast<uint8_t>(31 * i + 7);
    Bytes shifted(1, 0);
    shifted.insert(shifted.end(), row.begin(), row.end());
    std::vector<float> y(3 * t.block);
    t.decode(reinterpret_cast<const std::byte*>(shifted.data() + 1), y.data(), y.size());
    for (size_t block = 0; block < 3; ++block) {
      const auto begin = row.begin() + static_cast<ptrdiff_t>(block * t.bytes);
      const auto alone = decode(known.type, Bytes(begin, begin + t.bytes));
      for (size_t i = 0; i < t.block; ++i)
        EXPECT_EQ(std::bit_cast<uint32_t>(alone[i]), std::bit_cast<uint32_t>(y[block * t.block + i]))
            << block << " " << i;
    }
  }
}

TEST(Decode, Floats) {
  EXPECT_THAT(decode(Type::f32, {0, 0, 0x80, 0xBF, 0, 0, 0x20, 0x41}), testing::ElementsAre(-1.0f, 10.0f));
  EXPECT_THAT(decode(Type::f16, {0x00, 0xBC, 0x01, 0x00}), testing::ElementsAre(-1.0f, 0x1p-24f));
  EXPECT_THAT(decode(Type::bf16, {0x80, 0xBF, 0x20, 0x41}), testing::ElementsAre(-1.0f, 10.0f));
  traits(Type::f32).decode(nullptr, nullptr, 0);
}

TEST(Decode, Q8_0) {
  Bytes block(34, 0);
  block[1] = 0x38;  // 0.5
  block[2] = 0x80;
  block[33] = 0x7F;
  const auto y = decode(Type::q8_0, block);
  EXPECT_EQ(y[0], -64.0f);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_EQ(y[31], 63.5f);
}

TEST(Decode, ZerosHaveTheSignOfTheProduct) {
  Bytes block(18, 0x88);  // code 8 is zero
  block[0] = 0x00;
  block[1] = 0xB8;  // -0.5
  for (const float v : decode(Type::q4_0, block)) EXPECT_TRUE(v == 0 && std::signbit(v));
  block[1] = 0x38;
  for (const float v : decode(Type::q4_0, block)) EXPECT_TRUE(v == 0 && !std::signbit(v));
}

TEST(Decode, CodeEightOfFp4IsPositiveZero) {
  Bytes block(17, 0x88);
  block[0] = 0x80;
  for (const float v : decode(Type::mxfp4, block)) EXPECT_TRUE(v == 0 && !std::signbit(v));
}

TEST(Decode, TheSmallestMxfp4ScalesAreSubnormalAndKept) {
  Bytes block(17, 0x11);  // code 1 stands for 1
  block[0] = 0;
  EXPECT_EQ(decode(Type::mxfp4, block)[0], std::ldexp(1.0f, -128));
  block[0] = 1;
  EXPECT_EQ(decode(Type::mxfp4, block)[0], std::ldexp(1.0f, -127));
  block[0] = 2;
  EXPECT_EQ(decode(Type::mxfp4, block)[0], std::numeric_limits<float>::min());
}

TEST(Decode, InvalidScalesOfTheRocmFamilyAreZero) {
  const std::vector<std::pair<Type, size_t>> scales{{Type::q4_0_rocmfp4, 16}, {Type::q4_0_rocmfp4_fast, 16},
                                                    {Type::q2_0_rocmfpx, 8},  {Type::q3_0_rocmfpx, 12},
                                                    {Type::q6_0_rocmfpx, 24}, {Type::q8_0_rocmfpx, 32}};
  for (const auto& [type, offset] : scales) {
    for (const uint8_t scale : Bytes{0x7F, 0x80, 0xB8, 0xFF}) {
      Bytes block(traits(type).bytes, 0x35);
      std::fill(block.begin() + static_cast<ptrdiff_t>(offset), block.end(), scale);
      for (const float v : decode(type, block)) EXPECT_EQ(v, 0) << name_of(type) << " " << int{scale};
    }
  }
}

TEST(Decode, Nvfp4IgnoresTheSignOfAScaleAndTakesItsNanForZero) {
  Bytes block(36, 0x11);
  block[0] = 0x38;
  block[1] = 0xB8;
  block[2] = 0x7F;
  block[3] = 0xFF;
  const auto y = decode(Type::nvfp4, block);
  EXPECT_EQ(y[0], 0.5f);
  EXPECT_EQ(y[16], 0.5f);
  EXPECT_EQ(y[32], 0.0f);
  EXPECT_EQ(y[48], 0.0f);
}

TEST(Decode, Q6RocmfpxCodeOfNegativeZeroIsMinus32) {
  Bytes block(26, 0);
  block[0] = 0x20;
  block[24] = 0x40;  // 1
  EXPECT_EQ(decode(Type::q6_0_rocmfpx, block)[0], -32.0f);
}

TEST(Decode, AnInfiniteOrNanScaleStaysWhatItIs) {
  Bytes block(18, 0x99);  // code 9 stands for 1
  block[0] = 0x00;
  block[1] = 0x7C;
  EXPECT_EQ(decode(Type::q4_0, block)[0], std::numeric_limits<float>::infinity());
  block[1] = 0x7E;
  EXPECT_TRUE(std::isnan(decode(Type::q4_0, block)[0]));
}

}  // namespace
}  // namespace halcyon::quant
