// What the engine's thread sleeps on.
#pragma once

#include <condition_variable>
#include <mutex>

namespace halcyon::engine {

/// Shared with the generations, which may outlive the engine.
class Wakeup {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    condition_.notify_one();
  }

  /// Returns at once if it rang since the last wait.
  void wait() {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [&] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool rung_ = false;
};

}  // namespace halcyon::engine
