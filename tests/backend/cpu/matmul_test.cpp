// Packed matrix products against plain ones over the decoded weights, for every format and every ISA of this
// machine.
#include "backend/cpu/matmul.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "backend/cpu/kernels.h"
#include "backend/cpu/pack.h"
#include "tests/backend/cpu/aligned_bytes.h"
#include "tests/backend/cpu/random_blocks.h"
#include "tests/support/support.h"

namespace halcyon::cpu {
namespace {

std::vector<Isa> isas() {
  std::vector<Isa> out;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512})
    if (is_supported(isa)) out.push_back(isa);
  return out;
}

/// A random matrix in memory, as in a file and packed.
struct PackedMatrix {
  quant::Type type;
  int64_t n_in, n_out;
  std::vector<float> decoded;  // [n_out, n_in]
  const Packing* packing;
  std::vector<uint8_t> tiles;

  PackedMatrix(quant::Type t, int64_t in, int64_t out, std::mt19937& rng) : type(t), n_in(in), n_out(out) {
    const std::vector<std::byte> rows = halcyon::test::random_blocks(type, n_in * n_out, rng);
    decoded.resize(static_cast<size_t>(n_in * n_out));
    quant::traits(type).decode(rows.data(), decoded.data(), decoded.size());
    packing = find_packing(type);
    const int64_t n_tiles = (n_out + kTileRows - 1) / kTileRows;
    tiles.resize(static_cast<size_t>(n_tiles * packing->tile_bytes(n_in)));
    const auto row_bytes = static_cast<int64_t>(quant::row_bytes(type, n_in));
    for (int64_t tile = 0; tile < n_tiles; ++tile)
      packing->pack_tile(reinterpret_cast<const uint8_t*>(rows.data()) + tile * kTileRows * row_bytes,
                         static_cast<int>(std::min<int64_t>(kTileRows, n_out - tile * kTileRows)), n_in,
                         tiles.data() + tile * packing->tile_bytes(n_in));
  }
};

int code(const Kernels& k, const QuantizedGroup& group, int64_t i) {
  return static_cast<int8_t>(group.codes[i] - k.activation_offset);
}

/// Activations as a product takes them, and the floats that they stand for.
struct Activations {
  test::AlignedBytes rows;
  int64_t stride;
  std::vector<float> values;  // [n, n_in], after quantisation

  Activations(const Kernels& k, bool quantized, int64_t n, int64_t n_in, uint32_t seed) {
    std::mt19937 rng(seed);
    std::normal_distribution<float> normal;
    values.resize(static_cast<size_t>(n * n_in));
    for (float& v : values) v = normal(rng);
    stride = quantized ? quantized_row_bytes(n_in) : n_in * 4;
    rows = test::AlignedBytes(n * stride);
    for (int64_t r = 0; r < n; ++r) {
      float* x = values.data() + r * n_in;
      std::byte* row = rows.data() + r * stride;
      if (!quantized) {
        std::memcpy(row, x, static_cast<size_t>(n_in) * 4);
        continue;
      }
      k.quantize_row(x, n_in, row);
      const auto* group = reinterpret_cast<const QuantizedGroup*>(row);
      for (int64_t i = 0; i < n_in; ++i)
        x[i] = static_cast<float>(code(k, group[i / 32], i % 32)) * group[i / 32].scale;
    }
  }
};

std::vector<float> product(const Kernels& k, const PackedMatrix& m, const Activations& x, int64_t columns,
                           const std::vector<float>* bias = nullptr, float scale = 1) {
  std::vector<float> out(static_cast<size_t>(columns * m.n_out), NAN);
  k.matmul(m.type)({.tiles = m.tiles.data(),
                    .tile_bytes = m.packing->tile_bytes(m.n_in),
                    .n_in = m.n_in,
                    .n_out = m.n_out,
                    .first_tile = 0,
                    .last_tile = (m.n_out + kTileRows - 1) / kTileRows,
                    .n_columns = columns,
                    .x = x.rows.data(),
                    .x_stride = x.stride,
                    .out = out.data(),
                    .scale = scale,
                    .bias = bias ? bias->data() : nullptr});
  return out;
}

class MatMul : public testing::TestWithParam<quant::Type> {};

TEST_P(MatMul, AgreesWithTheDecodedWeightsOnEveryIsa) {
  std::mt19937 rng(7);
  const int64_t block = std::max<int64_t>(quant::traits(GetParam()).block, 32);
  for (const int64_t n_out : {1, 15, 16, 37, 100}) {
    for (const int64_t n_in :
         {block, 3 * block, 5 * block}) {  // small blocks of a file lie 1, 2 or 4 together
      const PackedMatrix m(GetParam(), n_in, n_out, rng);
      std::vector<float> bias(static_cast<size_t>(n_out));
      for (float& b : bias) b = static_cast<float>(rng() % 100) / 50;
      std::vector<float> first;
      for (const Isa isa : isas()) {
        const Kernels& k = kernels(isa);
        const Activations x(k, m.packing->quantized, 11, n_in, 3);
        const std::vector<float> got = product(k, m, x, 11, &bias, 0.5f);
        for (int64_t c = 0; c < 11; ++c) {
          for (int64_t o = 0; o < n_out; ++o) {
            double want = 0, size = 0;
            for (int64_t i = 0; i < n_in; ++i) {
              const double term = double{m.decoded[static_cast<size_t>(o * n_in + i)]} *
                                  x.values[static_cast<size_t>(c * n_in + i)];
              want += term, size += std::abs(term);
            }
            want = 0.5 * want + bias[static_cast<size_t>(o)];
            ASSERT_NEAR(got[static_cast<size_t>(c * n_out + o)], want, 2e-5 * (size + 1))
                << name_of(isa) << " n_in " << n_in << " column " << c << " row " << o << " of " << n_out;
          }
        }
        if (first.empty()) first = got;
        EXPECT_EQ(std::memcmp(first.data(), got.data(), got.size() * 4), 0)
            << name_of(isa) << " and " << name_of(isas().front()) << " differ in some bit";
      }
    }
  }
}

TEST_P(MatMul, AColumnDoesNotDependOnTheOthers) {
  std::mt19937 rng(11);
  // A group of tiles and three more; read at two places, twice three and one more.
  const PackedMatrix m(GetParam(), 512, 100, rng);
  for (const Isa isa : isas()) {
    const Kernels& k = kernels(isa);
    const Activations x(k, m.packing->quantized, 200, 512, 5);
    const std::vector<float> all = product(k, m, x, 200);
    EXPECT_TRUE(product(k, m, x, 0).empty());
    for (const int64_t columns : {1, 2, 3, 4, 5, 6, 8, 9, 13, 33, 64, 96, 97}) {
      const std::vector<float> some = product(k, m, x, columns);
      EXPECT_EQ(std::memcmp(all.data(), some.data(), some.size() * 4), 0) << name_of(isa) << " " << columns;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, MatMul, testing::ValuesIn(halcyon::test::runnable_types()),
                         [](const auto& type) { return std::string(quant::name_of(type.param)); });

TEST(MatMulTask, WhatIsReadNextChangesNoBit) {
  std::mt19937 rng(17);
  for (const quant::Type type : {quant::Type::q4_0, quant::Type::q4_K, quant::Type::q8_0}) {
    const PackedMatrix m(type, 512, 100, rng);
    for (const Isa isa : isas()) {
      const Kernels& k = kernels(isa);
      const Activations x(k, true, 12, 512, 5);
      for (const int64_t columns : {1, 5, 12}) {
        const std::vector<float> want = product(k, m, x, columns);
        std::vector<float> out(want.size(), NAN);
        MatMulTask task{.tiles = m.tiles.data(),
                        .tile_bytes = m.packing->tile_bytes(512),
                        .n_in = 512,
                        .n_out = 100,
                        .first_tile = 0,
                        .last_tile = 0,
                        .next_tiles = m.tiles.data(),
                        .next_bytes = 2 * m.packing->tile_bytes(512),
                        .n_columns = columns,
                        .x = x.rows.data(),
                        .x_stride = x.stride,
                        .out = out.data()};
        for (const int64_t end : {0, 1, 3, 7}) {  // pieces of no, one, two and four tiles
          task.first_tile = task.last_tile, task.last_tile = end;
          k.matmul(type)(task);
        }
        EXPECT_EQ(std::memcmp(want.data(), out.data(), want.size() * 4), 0) << name_of(isa) << " " << columns;
      }
    }
  }
}

TEST(MatMulTask, RowsCanBePickedOneByOne) {
  std::mt19937 rng(13);
  const PackedMatrix m(quant::Type::q4_K, 256, 20, rng);
  const Kernels& k = kernels(isas().back());
  const Activations x(k, true, 4, 256, 5);
  const std::vector<float> all = product(k, m, x, 4);
  const std::vector<int32_t> x_rows{2, 0}, out_rows{1, 3};
  std::vector<float> out(4 * 20, -1.0f);
  k.matmul(m.type)({.tiles = m.tiles.data(),
                    .tile_bytes = m.packing->tile_bytes(256),
                    .n_in = 256,
                    .n_out = 20,
                    .first_tile = 0,
                    .last_tile = 2,
                    .n_columns = 2,
                    .x = x.rows.data(),
                    .x_stride = x.stride,
                    .x_rows = x_rows.data(),
                    .out = out.data(),
                    .out_rows = out_rows.data()});
  EXPECT_EQ(std::memcmp(out.data() + 1 * 20, all.data() + 2 * 20, 80), 0);
  EXPECT_EQ(std::memcmp(out.data() + 3 * 20, all.data() + 0 * 20, 80), 0);
  EXPECT_EQ(out[0], -1.0f);
}

TEST(QuantizeRow, KeepsTheSumsAndTheScale) {
  for (const Isa isa : isas()) {
    std::vector<float> x(64, 0.0f);
    for (int i = 0; i < 32; ++i) x[static_cast<size_t>(i)] = static_cast<float>(i) - 16;
    test::AlignedBytes row(quantized_row_bytes(64));
    kernels(isa).quantize_row(x.data(), 64, row.data());
    const auto* q = reinterpret_cast<const QuantizedGroup*>(row.data());
    EXPECT_FLOAT_EQ(q[0].scale, 16.0f / 127);
    EXPECT_EQ(code(kernels(isa), q[0], 0), -127);
    EXPECT_EQ(code(kernels(isa), q[0], 31), 119);
    int first = 0, last = 0;
    for (int i = 0; i < 16; ++i)
      first += code(kernels(isa), q[0], i), last += code(kernels(isa), q[0], i + 16);
    EXPECT_THAT(q[0].minus_sum, testing::ElementsAre(-first - last, -first, -last));
    EXPECT_EQ(q[1].scale, 0);  // a group of zeros
    EXPECT_EQ(code(kernels(isa), q[1], 8), 0);
  }
}

TEST(QuantizeRow, ANumberThatIsNoneSpoilsItsGroupOnEveryIsa) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const size_t place : {3u, 20u}) {
      std::vector<float> x(64, 1.0f);
      x[place] = bad;
      std::vector<std::byte> first;
      for (const Isa isa : isas()) {
        test::AlignedBytes row(quantized_row_bytes(64));
        kernels(isa).quantize_row(x.data(), 64, row.data());
        const auto* q = reinterpret_cast<const QuantizedGroup*>(row.data());
        EXPECT_TRUE(std::isnan(q[0].scale)) << name_of(isa) << " " << bad << " at " << place;
        EXPECT_FLOAT_EQ(q[1].scale, 1.0f / 127);
        for (int i = 0; i < 64; ++i) EXPECT_GE(code(kernels(isa), q[i / 32], i % 32), -127);
      }
    }
  }
}

TEST(QuantizeRow, ASpoiltRowGivesNoOrdinaryNumber) {
  std::mt19937 rng(17);
  for (const quant::Type type : {quant::Type::q4_0, quant::Type::q6_K, quant::Type::q8_0}) {
    const PackedMatrix m(type, 256, 16, rng);
    for (const Isa isa : isas()) {
      Activations x(kernels(isa), true, 1, 256, 5);
      std::vector<float> spoilt = x.values;
      spoilt[100] = NAN;
      kernels(isa).quantize_row(spoilt.data(), 256, x.rows.data());
      for (const float v : product(kernels(isa), m, x, 1)) EXPECT_TRUE(std::isnan(v)) << name_of(isa);
    }
  }
}

TEST(Packing, TakesHardlyMoreMemoryThanTheFile) {
  for (const quant::Type type : halcyon::test::runnable_types()) {
    const quant::Traits& t = quant::traits(type);
    const Packing* packing = find_packing(type);
    ASSERT_NE(packing, nullptr) << t.name;
    EXPECT_LE(packing->tile_bytes(512), 1.06 * 16 * static_cast<double>(quant::row_bytes(type, 512)))
        << t.name;
  }
}

}  // namespace
}  // namespace halcyon::cpu
