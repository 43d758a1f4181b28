#include "devices/bandwidth.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include "base/system.h"

namespace halcyon::devices {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRuns = 10;                  // the first is not counted
constexpr uint64_t kLeast = 256ull << 20;  // also where no cache is known
constexpr uint64_t kChunk = 4096;

struct Unmap {
  uint64_t bytes;
  void operator()(std::byte* at) const { ::munmap(at, bytes); }
};
using Buffer = std::unique_ptr<std::byte[], Unmap>;

Result<Buffer> allocate(uint64_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return fail("cannot allocate {} MiB to read", bytes >> 20);
  ::madvise(at, bytes, MADV_HUGEPAGE);  // as the weights of a model
  return Buffer(static_cast<std::byte*>(at), Unmap{bytes});
}

/// Reads all of it, a cache line at a time in four streams; the result makes sure that it does.
uint64_t read(const std::byte* data, uint64_t bytes) {
  using Words = uint64_t __attribute__((vector_size(16)));
  Words sums[4] = {};
  for (uint64_t i = 0; i < bytes; i += kChunk)
    for (uint64_t j = 0; j < kChunk; j += sizeof sums) {
      Words line[4];
      std::memcpy(line, data + i + j, sizeof line);
      for (int k = 0; k < 4; ++k) sums[k] ^= line[k];
    }
  const Words all = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
  return all[0] ^ all[1];
}

}  // namespace

Result<Bandwidth> measure_read_bandwidth(uint64_t last_level_cache) {
  const auto n_threads = static_cast<uint64_t>(std::max(1, available_cores()));
  const uint64_t share = (std::max(4 * last_level_cache, kLeast) / n_threads + kChunk) / kChunk * kChunk;
  const uint64_t bytes = share * n_threads;
  if (bytes > available_memory() / 2)
    return fail("{} MiB have to be read, and only {} MiB are available: end what uses the memory",
                bytes >> 20, available_memory() >> 20);
  TRY(const Buffer buffer, allocate(bytes));

  std::vector<Clock::time_point> instants;  // at which all threads began a run
  instants.reserve(kRuns + 1);
  const auto all_arrived = [&]() noexcept { instants.push_back(Clock::now()); };
  std::barrier barrier(static_cast<std::ptrdiff_t>(n_threads), all_arrived);
  std::atomic<uint64_t> sink = 0;
  const auto work = [&](uint64_t thread) {
    std::byte* const mine = buffer.get() + thread * share;
    std::memset(mine, 1, share);  // its pages lie near the thread then
    barrier.arrive_and_wait();
    for (int run = 0; run < kRuns; ++run) {
      sink ^= read(mine, share);
      barrier.arrive_and_wait();
    }
  };
  std::vector<std::thread> threads;
  try {
    while (threads.size() < n_threads) threads.emplace_back(work, threads.size());
  } catch (const std::system_error&) {
    for (size_t i = threads.size(); i < n_threads; ++i) barrier.arrive_and_drop();
  }
  const size_t started = threads.size();
  for (std::thread& thread : threads) thread.join();
  if (started < n_threads) return fail("cannot start {} threads", n_threads);

  Bandwidth found{.threads = static_cast<int>(n_threads), .bytes = bytes};
  for (size_t i = 2; i < instants.size(); ++i)
    found.runs.push_back(static_cast<double>(bytes) /
                         std::chrono::duration<double>(instants[i] - instants[i - 1]).count());
  std::vector<double> sorted = found.runs;
  std::ranges::sort(sorted);
  found.bytes_per_second = sorted[sorted.size() / 2];
  return found;
}

}  // namespace halcyon::devices
