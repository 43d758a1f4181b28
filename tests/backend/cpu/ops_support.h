// For tests of the ops that remember: sequences in a CpuMemory, steps over parts of them, and seeded numbers.
#pragma once

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "backend/cpu/kernels.h"
#include "backend/cpu/memory.h"
#include "tests/support/support.h"

namespace halcyon::cpu::test {

/// The kernels of every ISA that this machine can run.
inline std::vector<const Kernels*> all_kernels() {
  std::vector<const Kernels*> all;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512})
    if (is_supported(isa)) all.push_back(&kernels(isa));
  return all;
}

inline std::vector<float> normal(size_t n, uint32_t seed, float sigma = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution(0, sigma);
  std::vector<float> x(n);
  for (float& value : x) value = distribution(random);
  return x;
}

/// |a - b| / |b|, both as vectors.
inline double distance(const std::vector<float>& a, const std::vector<double>& b) {
  double difference = 0, size = 1e-60;
  for (size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(difference / size);
}

/// Runs a kernel as a team of threads does.
inline void run_team(int threads, const std::function<void(Part)>& kernel) {
  std::vector<std::jthread> team;
  for (int i = 1; i < threads; ++i) team.emplace_back([&, i] { kernel({i, threads}); });
  kernel({0, threads});
}

/// Tokens first … first + n - 1 of a stream of inputs, as the continuation of a sequence.
struct Piece {
  backend::SeqId seq = 0;
  int first = 0, n = 0;
};

/// One step over all pieces: begin, `kernels(step)`, commit.
inline void run_step(CpuMemory& memory, const std::vector<Piece>& pieces,
                     const std::function<void(const Step&)>& kernels) {
  std::vector<std::vector<backend::Token>> tokens;
  std::vector<backend::Segment> segments;
  for (const Piece& piece : pieces) tokens.emplace_back(static_cast<size_t>(piece.n));
  for (size_t i = 0; i < pieces.size(); ++i) segments.push_back({.seq = pieces[i].seq, .tokens = tokens[i]});
  Step step;
  ASSERT_OK(memory.begin(segments, step));
  kernels(step);
  memory.commit(step);
}

/// The rows of `pieces`, one after the other, from inputs [tokens, width].
inline std::vector<float> gather(const std::vector<float>& inputs, int width,
                                 const std::vector<Piece>& pieces) {
  std::vector<float> rows;
  for (const Piece& piece : pieces) {
    const auto from = inputs.begin() + int64_t{piece.first} * width;
    rows.insert(rows.end(), from, from + int64_t{piece.n} * width);
  }
  return rows;
}

/// Something with a memory of its own that maps the tokens of a stream to rows of floats: one layer under
/// test.
class Layer {
 public:
  virtual ~Layer() = default;
  virtual const program::Program& program() const = 0;
  virtual int n_tokens() const = 0;

  /// One step; returns the output rows of all pieces.
  virtual std::vector<float> run(const Kernels& kernels, CpuMemory& memory, const std::vector<Piece>& pieces,
                                 int threads) const = 0;

  std::unique_ptr<CpuMemory> memory(int n_seq = 1, backend::KvType kv = backend::KvType::f16) const {
    backend::CompileOptions options;
    options.n_ctx = n_tokens();
    options.n_seq = n_seq;
    options.kv = kv;
    auto memory = CpuMemory::create(program(), options);
    EXPECT_TRUE(memory.has_value()) << memory.error().message;
    return std::move(*memory);
  }

  /// Tokens first … end - 1 as continuation of `seq`, in steps of at most `chunk`.
  std::vector<float> run(const Kernels& kernels, CpuMemory& memory, backend::SeqId seq, int first, int end,
                         int chunk, int threads) const {
    std::vector<float> out;
    for (; first < end; first += chunk) {
      const auto rows = run(kernels, memory, {{seq, first, std::min(chunk, end - first)}}, threads);
      out.insert(out.end(), rows.begin(), rows.end());
    }
    return out;
  }

  /// All tokens in a memory of their own.
  std::vector<float> run(const Kernels& kernels, int chunk, int threads,
                         backend::KvType kv = backend::KvType::f16) const {
    const auto fresh = memory(1, kv);
    return run(kernels, *fresh, fresh->create().value(), 0, n_tokens(), chunk, threads);
  }
};

/// What every layer promises: the same bits on every ISA, for any division into steps and threads, in
/// company, after a fork and after going back.
void expect_same_bits_whatever_happens(const Layer& layer, backend::KvType kv = backend::KvType::f16);

}  // namespace halcyon::cpu::test
