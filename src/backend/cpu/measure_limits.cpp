#include "backend/cpu/measure_limits.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>

#include "base/system.h"

namespace halcyon::cpu {
namespace {

constexpr uint64_t kLeastBuffer = uint64_t{256} << 20;
constexpr uint64_t kBufferPerThread = uint64_t{64} << 20;  // more than its share of any cache
constexpr double kPass = 5e-3;  // seconds that a pass takes at least: the start of the threads is lost in it
constexpr int64_t kMaxRounds = int64_t{1} << 40;

double seconds_of(ThreadTeam& team, const std::function<void(Part)>& work) {
  const auto start = std::chrono::steady_clock::now();
  team.run(work);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The least time of `pass`, which returns the seconds it took, of two or more of them until `seconds` are
/// over.
template <class Pass>
double fastest(double seconds, Pass pass) {
  double best = pass(), spent = best;
  do {
    const double taken = pass();
    best = std::min(best, taken);
    spent += taken;
  } while (spent < seconds);
  return best;
}

Rate measure_macs(std::span<const MacLoop> loops, ThreadTeam& team, double seconds) {
  Rate best;
  for (const MacLoop& loop : loops) {
    if (!loop.run) continue;
    int64_t rounds = 1 << 12;
    const auto pass = [&] { return seconds_of(team, [&](Part) { loop.run(rounds); }); };
    while (pass() < kPass && rounds < kMaxRounds) rounds *= 2;
    const double taken = fastest(seconds / static_cast<double>(loops.size()), pass);
    const double rate = static_cast<double>(rounds * loop.macs * team.size()) / taken;
    if (rate > best.per_second) best = {rate, loop.name};
  }
  return best;
}

backend::Limit to_limit(const Rate& rate, const char* instruction) {
  return {.per_second = rate.per_second, .how = fmt::format("{}, {}", instruction, rate.layout)};
}

}  // namespace

Result<Pages> read_buffer(ThreadTeam& team) {
  const uint64_t available = available_memory();
  const uint64_t wanted =
      std::min(std::max(kLeastBuffer, kBufferPerThread * static_cast<uint64_t>(team.size())),
               std::max(kLeastBuffer, available / 4));
  if (wanted > available)
    return fail("finding out how fast memory is read takes {} MB, and {} MB are available: free some",
                wanted >> 20, available >> 20);
  Result<Pages> pages = Pages::reserve_huge(wanted);
  if (!pages) return fail("no memory for {} MB to read: {}", wanted >> 20, pages.error().message);
  team.run([&](Part part) {
    const auto [begin, end] = part.of(static_cast<int64_t>(pages->size()));
    std::memset(pages->data() + begin, 1, static_cast<size_t>(end - begin));
  });
  return pages;
}

Rate measure_read(const LimitLoops& loops, ThreadTeam& team, const Pages& buffer, double seconds) {
  const auto units = static_cast<int64_t>(buffer.size()) / kReadUnit;
  Rate best;
  for (const ReadLoop& loop : loops.read) {
    const auto pass = [&] {
      return seconds_of(team, [&](Part part) {
        const auto [begin, end] = part.of(units);
        loop.run(buffer.data() + begin * kReadUnit, (end - begin) * kReadUnit);
      });
    };
    const double taken = fastest(seconds / static_cast<double>(std::size(loops.read)), pass);
    const double rate = static_cast<double>(units * kReadUnit) / taken;
    if (rate > best.per_second) best = {rate, loop.name};
  }
  return best;
}

Result<backend::Limits> measure_limits(const LimitLoops& loops, ThreadTeam& team, double seconds) {
  backend::Limits limits;
  {
    TRY(const Pages buffer, read_buffer(team));
    limits.read = to_limit(measure_read(loops, team, buffer, seconds / 2), "reading");
  }
  limits.int8_macs = to_limit(measure_macs(loops.int8, team, seconds / 4), loops.int8_name);
  limits.float_macs = to_limit(measure_macs(loops.f32, team, seconds / 4), loops.float_name);
  if (loops.has_bf16 && loops.has_bf16())
    limits.bf16_macs = to_limit(measure_macs({&loops.bf16, 1}, team, seconds / 16), "vdpbf16ps");
  return limits;
}

}  // namespace halcyon::cpu
