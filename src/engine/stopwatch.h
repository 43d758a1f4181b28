// Wall-clock and CPU time of a stretch of work.
#pragma once

#include <time.h>

namespace halcyon::engine {

class Stopwatch {
 public:
  struct Times {
    double wall_ms;
    double cpu_ms;  ///< of all threads of the process
  };

  /// The times since it was made or last restarted.
  Times restart() {
    const Times before = started_;
    started_ = now();
    return {started_.wall_ms - before.wall_ms, started_.cpu_ms - before.cpu_ms};
  }

 private:
  static double read(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
  }
  static Times now() { return {read(CLOCK_MONOTONIC), read(CLOCK_PROCESS_CPUTIME_ID)}; }

  Times started_ = now();
};

}  // namespace halcyon::engine
