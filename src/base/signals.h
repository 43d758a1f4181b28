// Keeps signals from interrupting a thread, and waits for them where they are expected.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <initializer_list>

namespace halcyon {

/// Blocks signals for the calling thread while it lives. Threads started meanwhile inherit that for good, and
/// from their first instruction on: around the start of a worker it keeps signals for the program's own
/// threads.
class BlockSignals {
 public:
  /// All signals.
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }

  /// One of them.
  explicit BlockSignals(int signal) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    pthread_sigmask(SIG_BLOCK, &one, &before_);
  }

  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;

 private:
  sigset_t before_;
};

/// Signals that come to be waited for, and end nothing, while it lives: for the calling thread and those that
/// it starts meanwhile.
class CaughtSignals {
 public:
  CaughtSignals(std::initializer_list<int> signals) {
    sigemptyset(&signals_);
    for (const int signal : signals) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  /// Those that came and were not waited for are forgotten.
  ~CaughtSignals() {
    constexpr timespec kNow = {};
    while (sigtimedwait(&signals_, nullptr, &kNow) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  CaughtSignals(const CaughtSignals&) = delete;
  CaughtSignals& operator=(const CaughtSignals&) = delete;

  /// Sleeps until one comes, and says which.
  int wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
    return signal;
  }

  /// Sleeps until then. True if a signal came first.
  bool wait_until(std::chrono::steady_clock::time_point until) const {
    using namespace std::chrono;
    while (true) {
      const auto left = std::max(steady_clock::duration::zero(), until - steady_clock::now());
      const auto whole = floor<seconds>(left);
      const timespec timeout = {.tv_sec = whole.count(), .tv_nsec = nanoseconds(left - whole).count()};
      if (sigtimedwait(&signals_, nullptr, &timeout) > 0) return true;
      if (errno == EAGAIN) return false;
    }
  }

 private:
  sigset_t signals_, before_;
};

}  // namespace halcyon
