#include "tests/backend/cpu/ops_support.h"

namespace halcyon::cpu::test {

namespace {

std::vector<float> rows_of(const std::vector<float>& all, const Layer& layer, int first, int end) {
  const int64_t width = std::ssize(all) / layer.n_tokens();
  return {all.begin() + first * width, all.begin() + end * width};
}

void expect_same_in_company(const Layer& layer, const Kernels& kernels, const std::vector<float>& expected,
                            backend::KvType kv) {
  const auto memory = layer.memory(3, kv);
  const auto a = memory->create().value(), b = memory->create().value(), c = memory->create().value();
  const int n = layer.n_tokens();
  const std::vector<std::vector<Piece>> steps = {
      {{a, 0, n / 3}},
      {{b, 0, 1}, {a, n / 3, 1}, {c, 0, n / 2}},
      {{c, n / 2, 1}, {b, 1, 5}, {a, n / 3 + 1, n - n / 3 - 1}},
  };
  for (const auto& pieces : steps) {
    std::vector<float> want;
    for (const Piece& piece : pieces) {
      const auto rows = rows_of(expected, layer, piece.first, piece.first + piece.n);
      want.insert(want.end(), rows.begin(), rows.end());
    }
    EXPECT_EQ(layer.run(kernels, *memory, pieces, 2), want)
        << "in a step of " << pieces.size() << " sequences";
  }
}

void expect_same_after_fork_and_truncate(const Layer& layer, const Kernels& kernels,
                                         const std::vector<float>& expected, backend::KvType kv) {
  const auto memory = layer.memory(2, kv);
  const auto a = memory->create().value();
  const int n = layer.n_tokens(), half = n / 2;
  layer.run(kernels, *memory, a, 0, half, 9, 1);
  const auto b = memory->fork(a).value();
  // b goes another way (the stream's first tokens), a on; neither disturbs the other.
  const auto other = layer.run(kernels, *memory, b, 0, std::min(half, 20), 3, 1);
  EXPECT_EQ(layer.run(kernels, *memory, a, half, n, 7, 1), rows_of(expected, layer, half, n))
      << "beside a fork";

  const int back = memory->reachable(b, half);
  if (back == half) {
    ASSERT_OK(memory->truncate(b, half));
    EXPECT_EQ(layer.run(kernels, *memory, b, 0, std::min(half, 20), 4, 1), other) << "again after truncation";
  }
  for (const int length : {n - 1, n - 3, n - 12}) {
    const int start = memory->reachable(a, length);
    ASSERT_OK(memory->truncate(a, start));
    EXPECT_EQ(layer.run(kernels, *memory, a, start, n, 5, 1), rows_of(expected, layer, start, n))
        << "after going back to " << start;
  }
}

}  // namespace

void expect_same_bits_whatever_happens(const Layer& layer, backend::KvType kv) {
  const auto all = all_kernels();
  const Kernels& best = *all.back();
  const std::vector<float> expected = layer.run(best, layer.n_tokens(), 1, kv);
  for (const Kernels* kernels : all)
    EXPECT_EQ(layer.run(*kernels, layer.n_tokens(), 1, kv), expected) << name_of(kernels->isa);
  for (const int chunk : {1, 7, 32, 33, 100})
    EXPECT_EQ(layer.run(best, chunk, 1, kv), expected) << "in steps of " << chunk;
  EXPECT_EQ(layer.run(*all.front(), 13, 1, kv), expected) << "scalar, in steps of 13";
  for (const int threads : {2, 3, 5})
    for (const int chunk : {1, 40})
      EXPECT_EQ(layer.run(best, chunk, threads, kv), expected) << threads << " threads";
  expect_same_in_company(layer, best, expected, kv);
  expect_same_after_fork_and_truncate(layer, best, expected, kv);
}

}  // namespace halcyon::cpu::test
