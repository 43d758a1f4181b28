// What a process and its descendants do: CPU time of each thread, wake-ups, memory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::probe {

using Clock = std::chrono::steady_clock;

struct ThreadState {
  pid_t pid = 0, tid = 0;
  uint64_t start_time = 0;  ///< clock ticks since boot (proc(5), stat field 22): tells reused ids apart
  std::string name;         ///< comm
  uint64_t cpu_ns = 0;      ///< the scheduler's own accounting (schedstat), else clock ticks
  uint64_t wakeups = 0;     ///< voluntary context switches: each is one sleep, and one wake-up after it
};

struct ProcessState {
  pid_t pid = 0;
  uint64_t start_time = 0;  ///< as above
  uint64_t cpu_ns = 0;      ///< of all its threads, with those that have ended
};

struct TreeState {
  Clock::time_point at;
  std::vector<ProcessState> processes;
  std::vector<ThreadState> threads;
  uint64_t rss_bytes = 0;     ///< sum of the processes; pages that two of them share count twice
  uint64_t ended_cpu_ns = 0;  ///< CPU time of ended children, as far as the processes waited for them
};

/// CPU use between two states. 100 % is one core.
struct Usage {
  double seconds = 0;
  double cpu_percent = 0;  ///< of all that ran, with what has ended meanwhile
  double wakeups_per_second = 0;
  uint64_t rss_bytes = 0;  ///< at the end
  struct Thread {
    pid_t pid = 0, tid = 0;
    std::string name;
    double cpu_percent = 0;
    double wakeups_per_second = 0;
  };
  std::vector<Thread> threads;   ///< those that are still there, busiest first
  double ended_cpu_percent = 0;  ///< the part of `cpu_percent` that is in none of `threads`
};

Usage usage_between(const TreeState& from, const TreeState& to);

/// The tree of processes below `pid`, which may grow and shrink while it is looked at.
///
/// A process stays in the tree when its parent ends. Two kinds are missed: one whose parent began and ended
/// between two looks (a daemon's double fork), and CPU time of a child that began and ended between two looks
/// if its parent ignores SIGCHLD.
class ProcessTree {
 public:
  /// Fails if there is no such process, or if it is hidden from this user.
  static Result<ProcessTree> open(pid_t pid, const SystemRoot& root = {});

  pid_t pid() const { return pid_; }

  /// Fails once the process has ended. Cheap enough for once a second: the threads of a process that has not
  /// run since the last call cost nothing, and one that has not run beside others costs the reading of one
  /// file.
  Result<TreeState> state();

 private:
  struct Thread {
    uint64_t times_run = 0;  ///< schedstat: how often it got a core
    ThreadState state;
  };
  struct Process {
    uint64_t start_time = 0;
    std::optional<uint64_t> clock_ns;  ///< its CPU clock at the last look
    std::map<pid_t, Thread> threads;   ///< as last seen
  };

  ProcessTree(pid_t pid, SystemRoot root);
  void find_members();
  void read_threads(pid_t pid, Process& process) const;
  bool read_thread(const std::string& folder, Thread& thread) const;

  pid_t pid_;
  SystemRoot root_;
  bool own_proc_;  ///< /proc shows the ids that system calls take
  std::map<pid_t, Process> members_;
  std::unordered_set<pid_t> others_;  ///< processes that are there and not of the tree
};

/// The process that listens on a TCP port of this machine; of several that share the socket, the ancestor of
/// the others. Fails with what to do if nobody does, or if it can't be told: another user's, in a container,
/// waited for by systemd, or several that have nothing to do with each other.
Result<pid_t> find_listener(uint16_t port, const SystemRoot& root = {});

}  // namespace halcyon::probe
