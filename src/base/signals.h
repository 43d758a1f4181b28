// Keeps signals from interrupting a thread.
#pragma once

#include <pthread.h>
#include <signal.h>

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

}  // namespace halcyon
