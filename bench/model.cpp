// Prefill and decode of a whole model, and decode of eight sequences together: the embedded model, or the
// GGUF file that HALCYON_BENCH_MODEL names.
#include "model/model.h"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdlib>

#include "backend/cpu/device.h"
#include "bench/bandwidth.h"
#include "embedded/embedded_model.h"

namespace halcyon {
namespace {

constexpr int32_t kPrompt = 512, kGenerated = 32, kTogether = 8;

Result<std::unique_ptr<backend::Executable>> load(int64_t& n_vocab) {
  const char* path = std::getenv("HALCYON_BENCH_MODEL");
  TRY(const gguf::File file,
      path ? gguf::File::open(path) : gguf::File::parse(memory_source("embedded model", embedded_model())));
  TRY(model::Model model, model::build(file, 1024));
  n_vocab = model.program.n_vocab;
  TRY(const auto device, cpu::create());
  backend::CompileOptions options;
  options.n_ctx = 1024;
  options.n_seq = kTogether;
  return device->compile(std::move(model.program), options);
}

/// Evaluates `n` tokens from the present end of each sequence, `step` at a time.
Result<void> evaluate(backend::Executable& e, std::span<const backend::SeqId> sequences, int64_t n_vocab,
                      int32_t n, int32_t step) {
  std::vector<backend::Token> tokens(static_cast<size_t>(step));
  for (int32_t at = 0; at < n; at += step) {
    for (int32_t i = 0; i < step; ++i)
      tokens[static_cast<size_t>(i)] = static_cast<backend::Token>((at + i) * 131 % n_vocab);
    std::vector<backend::Segment> segments;
    for (const backend::SeqId seq : sequences) segments.push_back({.seq = seq, .tokens = tokens});
    if (auto rows = e.run(segments); !rows) return forward_error(rows);
  }
  return {};
}

void model(benchmark::State& state, bool prefill, int32_t n_sequences) {
  int64_t n_vocab = 0;
  auto executable = load(n_vocab);
  if (!executable) return state.SkipWithError(executable.error().message.c_str());
  backend::Executable& e = **executable;
  const auto team = cpu::ThreadTeam::create(bench::threads());
  if (!team) return state.SkipWithError("no threads");
  std::vector<backend::SeqId> sequences;
  for (int32_t i = 0; i < n_sequences; ++i) {
    const auto seq = e.memory().create();
    if (!seq) return state.SkipWithError("no sequence");
    sequences.push_back(*seq);
    if (!prefill && !evaluate(e, {&*seq, 1}, n_vocab, kPrompt, 256))
      return state.SkipWithError("prefill failed");
  }
  const int32_t n = prefill ? kPrompt : kGenerated;
  const double before = bench::read_bandwidth(**team);
  std::chrono::duration<double> seconds{0};
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    if (const auto done = evaluate(e, sequences, n_vocab, n, prefill ? 256 : 1); !done)
      return state.SkipWithError(done.error().message.c_str());
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(taken.count());
    seconds += taken;
    for (const backend::SeqId seq : sequences) {
      const int32_t back_to =
          e.memory().reachable(seq, prefill ? 0 : kPrompt);  // recurrent layers can't always be exact
      if (!e.memory().truncate(seq, back_to)) return state.SkipWithError("cannot go back");
    }
  }
  const double bandwidth = (before + bench::read_bandwidth(**team)) / 2;
  const double steps = static_cast<double>(state.iterations()) * n / seconds.count();
  state.counters["tok/s"] = steps * n_sequences;
  if (!prefill) state.counters["of_read"] = steps * static_cast<double>(e.bytes_per_token()) / bandwidth;
}
BENCHMARK_CAPTURE(model, pp512, true, 1)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK_CAPTURE(model, tg32, false, 1)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK_CAPTURE(model, tg32_of_8, false, kTogether)->Unit(benchmark::kMillisecond)->UseManualTime();

}  // namespace
}  // namespace halcyon
