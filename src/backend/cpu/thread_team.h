// Threads that work on one step together and, soon after it, sleep.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "backend/cpu/step.h"
#include "base/result.h"

namespace halcyon::cpu {

/// The caller of run() is the first of the threads. A thread that waits, for work or for others, spins for at
/// most 100 µs, then sleeps in the kernel (futex).
class ThreadTeam {
 public:
  static Result<std::unique_ptr<ThreadTeam>> create(int32_t size);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int32_t size() const { return size_; }

  /// Calls `work` on every thread at once, each with its part, and returns when all have returned. `work`
  /// must not throw.
  void run(const std::function<void(Part)>& work);

  /// Within work: waits until every thread has come here.
  void barrier();

 private:
  explicit ThreadTeam(int32_t size) : size_(size) {}
  void serve(int32_t index);

  const int32_t size_;
  const std::function<void(Part)>* work_ = nullptr;
  std::atomic<uint32_t> started_{0};  // counts runs
  std::atomic<int32_t> arrived_{0};   // threads at the barrier
  std::atomic<uint32_t> passed_{0};   // counts barriers
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> threads_;
};

}  // namespace halcyon::cpu
