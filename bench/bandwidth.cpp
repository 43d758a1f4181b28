#include "bench/bandwidth.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>

#include "backend/cpu/kernels.h"
#include "backend/cpu/measure_limits.h"
#include "base/system.h"

namespace halcyon::bench {

double read_bandwidth(cpu::ThreadTeam& team) {
  const auto isa = cpu::select_isa();
  static const auto buffer = cpu::read_buffer(team);  // its pages stay where the first team touched them
  if (!isa || !buffer) return 0;
  return cpu::measure_read(*cpu::kernels(*isa).limits, team, *buffer, 0.25).per_second;
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
