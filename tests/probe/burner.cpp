// A program that burns a known share of CPU time, wakes a known number of times, and says how much it really
// was: what a probe measures must agree with that.
//
//     burner --percent 180 --threads 2 --name hsa-poll --wakeups 50 --seconds 5
//
// Prints its truth, one line of JSON, when all its threads are there, at each SIGUSR1, and at the end, which
// is after
// --seconds or at SIGTERM:
//
//     {"monotonic_ns": 81234567890, "cpu_ns": 1800000000, "seconds": 1.000, "cpu_percent": 180.0, "wakeups":
//     50}
//
// monotonic_ns is CLOCK_MONOTONIC, the same for all processes: two lines, one at each end of a measurement,
// give the truth of that measurement.
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "tests/probe/spinner.h"

namespace {

struct Options {
  double percent = 0;
  int threads = 1;
  int sleepers = 0;
  std::string name = "burner";
  double seconds = 0;
  double wakeups = 0;
  std::string by = "threads";
};

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kPeriod = kSecond / 100;  ///< of the duty cycle
constexpr int64_t kShortLife = kSecond / 50;

std::atomic<uint64_t> wakeups_so_far;
const volatile uint64_t never = 0;

int64_t now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

void sleep_until(int64_t monotonic_ns) {
  const timespec time{.tv_sec = monotonic_ns / kSecond, .tv_nsec = monotonic_ns % kSecond};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

/// Rounds of spinning in a nanosecond of CPU time.
double rounds_per_ns() {
  constexpr uint64_t kRounds = 1'000'000;
  const int64_t begin = now(CLOCK_THREAD_CPUTIME_ID);
  spinner::poll_completion_queue(never, kRounds);
  return static_cast<double>(kRounds) / static_cast<double>(now(CLOCK_THREAD_CPUTIME_ID) - begin);
}

/// Spins until this thread has used `cpu_ns` of CPU time. It looks at its clock seldom: that is a system
/// call, at which a thread is likely to lose its core, and there a sampler would find it.
void burn_until(int64_t cpu_ns) {
  static const double speed = rounds_per_ns();
  for (int64_t left = 0; (left = cpu_ns - now(CLOCK_THREAD_CPUTIME_ID)) > 0;)
    spinner::poll_completion_queue(
        never, static_cast<uint64_t>(speed * static_cast<double>(std::min(left, 2 * kPeriod))) + 1000);
}

/// One thread that uses `share` of a core, by its own CPU clock: exact however busy the machine is, unless
/// that leaves too little.
void burn_share(double share) {
  const int64_t begin = now(CLOCK_MONOTONIC);
  for (int64_t end = begin + kPeriod;; end += kPeriod) {
    burn_until(static_cast<int64_t>(share * static_cast<double>(end - begin)));
    sleep_until(end);
  }
}

/// The same, by threads or child processes that end after 20 ms.
void burn_share_briefly(double share, bool children) {
  const int64_t begin = now(CLOCK_MONOTONIC);
  for (int64_t end = begin + kShortLife;; end += kShortLife) {
    const auto work = static_cast<int64_t>(share * static_cast<double>(kShortLife));
    if (!children) {
      std::thread([&] { burn_until(work); }).join();
    } else if (const pid_t child = ::fork(); child == 0) {
      burn_until(work);
      ::_exit(0);
    } else {
      ::waitpid(child, nullptr, 0);
    }
    sleep_until(end);
  }
}

void wake(double per_second) {
  const auto period = static_cast<int64_t>(static_cast<double>(kSecond) / per_second);
  for (int64_t next = now(CLOCK_MONOTONIC) + period;; next += period) {
    sleep_until(next);
    wakeups_so_far++;
  }
}

void print_truth(int64_t began) {
  rusage children{};
  ::getrusage(RUSAGE_CHILDREN, &children);
  const auto nanoseconds = [](const timeval& time) { return time.tv_sec * kSecond + time.tv_usec * 1000; };
  const int64_t cpu_ns =
      now(CLOCK_PROCESS_CPUTIME_ID) + nanoseconds(children.ru_utime) + nanoseconds(children.ru_stime);
  const int64_t at = now(CLOCK_MONOTONIC);
  fmt::print(
      "{{\"monotonic_ns\": {}, \"cpu_ns\": {}, \"seconds\": {:.3f}, \"cpu_percent\": {:.2f}, \"wakeups\": "
      "{}}}\n",
      at, cpu_ns, static_cast<double>(at - began) / 1e9,
      100 * static_cast<double>(cpu_ns) / static_cast<double>(at - began), wakeups_so_far.load());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Burns a known share of CPU time and says how much it really was.");
  app.add_option("--percent", options.percent, "CPU time, in percent of one core, over all threads");
  app.add_option("--threads", options.threads, "that share it")->check(CLI::Range(1, 64));
  app.add_option("--name", options.name, "of those threads");
  app.add_option("--by", options.by, "who burns")
      ->check(CLI::IsMember({"threads", "short-lived-threads", "children"}));
  app.add_option("--sleepers", options.sleepers, "threads beside them that never run");
  app.add_option("--wakeups", options.wakeups, "per second, of one more thread");
  app.add_option("--seconds", options.seconds, "until it ends; 0: at SIGTERM");
  CLI11_PARSE(app, argc, argv);

  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT}) ::sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const int64_t began = now(CLOCK_MONOTONIC);
  const double share = options.percent / 100 / options.threads;
  const int burners = share > 0 ? options.threads : 0;
  std::latch ready(burners + options.sleepers + (options.wakeups > 0));
  const auto start = [&](const std::string& name, auto work) {
    std::thread([&ready, name, work] {
      ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
      ready.count_down();
      work();
    }).detach();
  };
  for (int i = 0; i < burners; i++)
    start(options.name, [&] {
      options.by == "threads" ? burn_share(share) : burn_share_briefly(share, options.by == "children");
    });
  for (int i = 0; i < options.sleepers; i++) start("sleeper", [] { ::pause(); });
  if (options.wakeups > 0) start("waker", [&] { wake(options.wakeups); });
  ready.wait();

  print_truth(began);
  const auto end = began + static_cast<int64_t>(options.seconds * 1e9);
  for (int signal = SIGUSR1; signal == SIGUSR1;) {
    const int64_t left =
        options.seconds > 0 ? std::max<int64_t>(end - now(CLOCK_MONOTONIC), 0) : kSecond * 86400;
    const timespec time{.tv_sec = left / kSecond, .tv_nsec = left % kSecond};
    signal = ::sigtimedwait(&signals, nullptr, &time);
    if (signal == -1 && errno == EINTR) signal = SIGUSR1;
    if (signal != -1 || options.seconds > 0) print_truth(began);
  }
  ::_exit(0);
}
