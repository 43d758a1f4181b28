#include "bench/bandwidth.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "backend/cpu/pages.h"
#include "base/system.h"

namespace halcyon::bench {
namespace {

/// Sixteen bytes, the widest that every x86-64 processor loads at once. Two such loads a cycle are several
/// times what memory gives.
using Lanes [[gnu::vector_size(16), gnu::aligned(8), gnu::may_alias]] = uint64_t;

constexpr int64_t kPrefetchWords = 512;  // as far ahead as the matrix products ask
constexpr size_t kWords = (size_t{256} << 20) / sizeof(uint64_t);

/// On huge pages, as weights are; nullptr if there is no memory.
const uint64_t* buffer() {
  static const auto pages = [] {
    auto reserved = cpu::Pages::reserve_huge(kWords * sizeof(uint64_t));
    if (reserved) std::memset(reserved->data(), 1, reserved->size());
    return reserved;
  }();
  return pages ? reinterpret_cast<const uint64_t*>(pages->data()) : nullptr;
}

}  // namespace

double read_bandwidth(cpu::ThreadTeam& team) {
  const uint64_t* words = buffer();
  if (!words) return 0;
  double best = 0;
  for (int pass = 0; pass < 3; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    team.run([&](cpu::Part part) {
      const auto [begin, end] = part.of(kWords);
      Lanes sums[4] = {};
      for (int64_t i = begin; i + 8 <= end; i += 8) {
        __builtin_prefetch(words + i + kPrefetchWords);
        for (int64_t lane = 0; lane < 4; ++lane)
          sums[lane] += *reinterpret_cast<const Lanes*>(words + i + 2 * lane);
      }
      benchmark::DoNotOptimize(sums);
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, kWords * sizeof(uint64_t) / seconds.count());
  }
  return best;
}

int32_t threads() {
  const char* wanted = std::getenv("HALCYON_BENCH_THREADS");
  return wanted ? std::max(1, std::atoi(wanted)) : available_cores();
}

namespace {

void bandwidth(benchmark::State& state) {
  const auto team = cpu::ThreadTeam::create(threads());
  if (!team) return state.SkipWithError(team.error().message.c_str());
  double best = 0;
  for (auto _ : state) best = std::max(best, read_bandwidth(**team));
  state.counters["read_GB/s"] = best / 1e9;
}
BENCHMARK(bandwidth)->Name("memory/read")->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace halcyon::bench
