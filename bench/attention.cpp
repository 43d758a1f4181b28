// Attention at a depth of 8192 positions, 16 heads and 8 KV heads of 128: one token of a sequence (decode,
// bound by the bytes of the KV cache) and 256 of them (prefill, bound by the units).
#include <benchmark/benchmark.h>

#include <chrono>
#include <random>

#include "backend/cpu/kernels.h"
#include "backend/cpu/memory.h"
#include "bench/bandwidth.h"

namespace halcyon::cpu {
namespace {

constexpr int32_t kHeads = 16, kKvHeads = 8, kHeadDim = 128, kDepth = 8192;
constexpr int32_t kLayers = 8;  // so that their caches together are larger than the processor's
constexpr int32_t kChunk = 256;

/// One step over the tokens that a sequence continues with, for all layers; then the tokens are forgotten.
void attention(benchmark::State& state, backend::KvType kv, int32_t n_tokens) {
  const auto isa = select_isa();
  const auto team = ThreadTeam::create(bench::threads());
  program::Program program;
  program.kv_caches.assign(kLayers, {kKvHeads, kHeadDim});
  backend::CompileOptions options;
  options.n_ctx = kDepth + kChunk;
  options.kv = kv;
  const auto memory = CpuMemory::create(program, options);
  if (!isa || !team || !memory) return state.SkipWithError("no such ISA, threads or memory");
  const auto seq = (*memory)->create();
  if (!seq) return state.SkipWithError("no sequence");

  const Kernels& k = kernels(*isa);
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  std::vector<float> q(kChunk * kHeads * kHeadDim), keys(kChunk * kKvHeads * kHeadDim), out(q.size());
  for (float& x : q) x = normal(rng);
  for (float& x : keys) x = normal(rng);
  const std::vector<backend::Token> tokens(kChunk);
  const auto step_over = [&](int32_t n, auto&& kernel) {
    const backend::Segment segment{.seq = *seq, .tokens = std::span(tokens).first(static_cast<size_t>(n))};
    Step step;
    if (!(*memory)->begin({&segment, 1}, step)) return state.SkipWithError("the cache is full");
    (*team)->run([&](Part part) {
      for (int32_t layer = 0; layer < kLayers; ++layer)
        kernel({.q = q.data(),
                .k = keys.data(),
                .v = keys.data(),
                .out = out.data(),
                .cache = (*memory)->kv(layer),
                .n_head = kHeads,
                .scale = 0.1f},
               step, part);
    });
    (*memory)->commit(step);
  };
  for (int32_t pos = 0; pos < kDepth; pos += kChunk) step_over(kChunk, k.store_kv);

  const double before = bench::read_bandwidth(**team);
  const auto start = std::chrono::steady_clock::now();
  for (auto _ : state) {
    step_over(n_tokens, k.attend);
    if (!(*memory)->truncate(*seq, kDepth)) return state.SkipWithError("the sequence does not go back");
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const double bandwidth = (before + bench::read_bandwidth(**team)) / 2;
  const double runs_per_second = static_cast<double>(state.iterations()) / seconds.count();
  if (n_tokens == 1) {
    const double element = kv == backend::KvType::f32   ? 4
                           : kv == backend::KvType::f16 ? 2
                                                        : 1 + 2.0 / kKvGroup;
    const double rate = runs_per_second * kLayers * kDepth * kKvHeads * kHeadDim * 2 * element;
    state.counters["GB/s"] = rate / 1e9;
    state.counters["of_read"] = rate / bandwidth;
  } else {
    const double pairs = double{kDepth} * n_tokens + n_tokens * (n_tokens + 1) / 2.0;
    state.counters["GMAC/s"] = runs_per_second * kLayers * kHeads * kHeadDim * 2 * pairs / 1e9;
  }
}

[[maybe_unused]] const bool registered = [] {
  const std::pair<const char*, backend::KvType> types[] = {
      {"f32", backend::KvType::f32}, {"f16", backend::KvType::f16}, {"q8_0", backend::KvType::q8_0}};
  for (const int32_t n_tokens : {1, kChunk}) {
    for (const auto& [name, kv] : types) {
      const std::string benchmark =
          std::string(n_tokens == 1 ? "attention/decode/" : "attention/prefill/") + name;
      benchmark::RegisterBenchmark(benchmark.c_str(), attention, kv, n_tokens)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
  return true;
}();

}  // namespace
}  // namespace halcyon::cpu
