// Ctrl-C as something that a long run can look for.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <stop_token>
#include <thread>

#include "base/signals.h"

namespace halcyon::cli {

/// Turns the signals that end a program into a stop while it lives.
class Interrupt {
 public:
  Interrupt() : thread_([this] { wait(); }) {}
  ~Interrupt() {
    over_ = true;
    ::pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
    thread_.join();
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return stop_.get_token(); }
  int signal() const { return signal_; }  ///< that came; 0: none

 private:
  void wait() {
    const int signal = signals_.wait();
    if (over_) return;
    signal_ = signal;
    stop_.request_stop();
  }

  const CaughtSignals signals_ = {SIGINT, SIGTERM, SIGHUP};
  std::stop_source stop_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace halcyon::cli
