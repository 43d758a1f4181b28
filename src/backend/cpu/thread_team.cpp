#include "backend/cpu/thread_team.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "base/signals.h"

namespace halcyon::cpu {
namespace {

constexpr auto kSpin = std::chrono::microseconds(100);

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Waits until a number changes: spins for at most kSpin, then sleeps. Whoever is waited for may need this
/// very core: spinning in vain makes less patient, success and now and then a fresh start make patient again.
class Waiter {
 public:
  void wait(const std::atomic<uint32_t>& number, uint32_t old) {
    const auto sleep_at = std::chrono::steady_clock::now() + patience_;
    do {
      for (int i = 0; i < 32; ++i) {
        if (number.load(std::memory_order_acquire) != old) {
          patience_ = std::min<std::chrono::nanoseconds>(kSpin, 2 * patience_);
          return;
        }
        pause();
      }
    } while (std::chrono::steady_clock::now() < sleep_at);
    patience_ = ++naps_ % 64 == 0 ? kSpin : patience_ / 2 + std::chrono::nanoseconds(1);
    number.wait(old, std::memory_order_acquire);
  }

 private:
  std::chrono::nanoseconds patience_ = kSpin;
  uint32_t naps_ = 0;
};

}  // namespace

Result<std::unique_ptr<ThreadTeam>> ThreadTeam::create(int32_t size) {
  std::unique_ptr<ThreadTeam> team(new ThreadTeam(size));
  const BlockSignals block;  // signals are for the threads of the program that we are part of
  try {
    for (int32_t i = 1; i < size; ++i) team->threads_.emplace_back([t = team.get(), i] { t->serve(i); });
  } catch (const std::system_error& e) {
    return fail("cannot start {} threads: {}; use fewer with --threads", size, e.code().message());
  }
  return team;
}

ThreadTeam::~ThreadTeam() {
  stopping_.store(true, std::memory_order_relaxed);
  started_.fetch_add(1, std::memory_order_seq_cst);
  started_.notify_all();
}

void ThreadTeam::run(const std::function<void(Part)>& work) {
  work_ = &work;
  started_.fetch_add(1, std::memory_order_seq_cst);
  started_.notify_all();
  work({0, size_});
  barrier();
}

void ThreadTeam::serve(int32_t index) {
  Waiter waiter;
  for (uint32_t seen = 0;; ++seen) {
    waiter.wait(started_, seen);
    if (stopping_.load(std::memory_order_relaxed)) return;
    (*work_)({index, size_});
    barrier();
  }
}

void ThreadTeam::barrier() {
  if (size_ == 1) return;
  const uint32_t turn = passed_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    // Sequentially consistent: notify_all() first looks whether anybody waits, and that look must not come
    // before the store, or a thread that goes to sleep in between is never woken.
    passed_.store(turn + 1, std::memory_order_seq_cst);
    passed_.notify_all();
    return;
  }
  thread_local Waiter waiter;
  waiter.wait(passed_, turn);
}

}  // namespace halcyon::cpu
