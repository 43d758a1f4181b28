// Matrix products of every format, as in decode (one column, bound by memory) and in prefill (32 columns,
// bound by the units). The first argument of a benchmark is the type's id in GGUF files.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstring>

#include "backend/cpu/kernels.h"
#include "backend/cpu/pack.h"
#include "backend/cpu/pages.h"
#include "bench/bandwidth.h"
#include "tests/backend/cpu/aligned_bytes.h"
#include "tests/backend/cpu/random_blocks.h"

namespace halcyon::cpu {
namespace {

constexpr int64_t kIn = 4096;
constexpr int64_t kMatrixBytes = int64_t{128} << 20;  // larger than any cache

void matmul(benchmark::State& state, quant::Type type, int64_t columns) {
  const auto isa = select_isa();
  const auto team = ThreadTeam::create(bench::threads());
  const Packing* packing = find_packing(type);
  const int64_t tile_bytes = packing->tile_bytes(kIn), n_tiles = kMatrixBytes / tile_bytes;
  auto pages = Pages::reserve_huge(static_cast<uint64_t>(kMatrixBytes));
  if (!isa || !team || !pages) return state.SkipWithError("no such ISA, threads or memory");
  auto* tiles = reinterpret_cast<uint8_t*>(pages->data());
  std::mt19937 rng(1);
  const std::vector<std::byte> rows = halcyon::test::random_blocks(type, kIn * kTileRows, rng);
  packing->pack_tile(reinterpret_cast<const uint8_t*>(rows.data()), kTileRows, kIn, tiles);
  for (int64_t i = 1; i < n_tiles; ++i)
    std::memcpy(tiles + i * tile_bytes, tiles, static_cast<size_t>(tile_bytes));

  const Kernels& k = kernels(*isa);
  const int64_t stride = packing->quantized ? quantized_row_bytes(kIn) : kIn * 4;
  test::AlignedBytes x(columns * stride);
  std::normal_distribution<float> normal;
  std::vector<float> row(kIn), out(static_cast<size_t>(columns * n_tiles * kTileRows));
  for (int64_t c = 0; c < columns; ++c) {
    for (float& v : row) v = normal(rng);
    if (packing->quantized)
      k.quantize_row(row.data(), kIn, x.data() + c * stride);
    else
      std::memcpy(x.data() + c * stride, row.data(), static_cast<size_t>(stride));
  }
  const MatMulTask task{.tiles = tiles,
                        .tile_bytes = tile_bytes,
                        .n_in = kIn,
                        .n_out = n_tiles * kTileRows,
                        .first_tile = 0,
                        .last_tile = 0,
                        .n_columns = columns,
                        .x = x.data(),
                        .x_stride = stride,
                        .out = out.data()};
  const double before = bench::read_bandwidth(**team);
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    (*team)->run([&](Part part) {
      MatMulTask mine = task;
      const auto [first, last] = part.of(n_tiles);
      mine.first_tile = first, mine.last_tile = last;
      k.matmul(type)(mine);
    });
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double bandwidth = (before + bench::read_bandwidth(**team)) / 2;
  const double runs_per_second = static_cast<double>(state.iterations()) / seconds.count();
  if (columns == 1) {
    const double rate = runs_per_second * static_cast<double>(n_tiles * tile_bytes);
    state.counters["GB/s"] = rate / 1e9;
    state.counters["of_read"] = rate / bandwidth;
  } else {
    state.counters["GMAC/s"] =
        runs_per_second * static_cast<double>(columns * n_tiles * kTileRows * kIn) / 1e9;
  }
}

/// From the layout of a file to the packed one, on one thread.
void pack(benchmark::State& state, quant::Type type) {
  const Packing* packing = find_packing(type);
  std::mt19937 rng(1);
  const std::vector<std::byte> rows = halcyon::test::random_blocks(type, kIn * kTileRows, rng);
  std::vector<uint8_t> tile(static_cast<size_t>(packing->tile_bytes(kIn)));
  for (auto _ : state) {
    packing->pack_tile(reinterpret_cast<const uint8_t*>(rows.data()), kTileRows, kIn, tile.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(rows.size()));
}

[[maybe_unused]] const bool registered = [] {
  for (const int64_t columns : {1, 8, 32}) {
    for (const quant::Type type : halcyon::test::runnable_types()) {
      const std::string name = std::string(columns == 1   ? "decode/"
                                           : columns == 8 ? "together/"
                                                          : "prefill/") +
                               std::string(quant::name_of(type));
      benchmark::RegisterBenchmark(name.c_str(), matmul, type, columns)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
  for (const quant::Type type : halcyon::test::runnable_types())
    benchmark::RegisterBenchmark(("pack/" + std::string(quant::name_of(type))).c_str(), pack, type);
  return true;
}();

}  // namespace
}  // namespace halcyon::cpu
