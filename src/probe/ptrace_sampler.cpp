#include <elf.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <random>
#include <system_error>
#include <thread>

#include "base/signals.h"
#include "probe/proc.h"
#include "probe/sampler.h"

namespace halcyon::probe {
namespace {

using Clock = std::chrono::steady_clock;

/// Between two looks at the threads, on average: drawn at random, so as not to keep step with them.
constexpr std::chrono::microseconds kEvery{4000};

/// A thread on another core stops within microseconds. One that does not has no core; it stops when it gets
/// one, and is looked for this often until then.
constexpr std::chrono::microseconds kPatience{200};

/// The address at which a stopped thread goes on. Empty if it is not stopped, with errno ESRCH, or if it runs
/// code of another kind, such as 32 bit.
std::optional<uint64_t> instruction_of(pid_t tid) {
  user_regs_struct registers{};
  iovec area{.iov_base = &registers, .iov_len = sizeof registers};
  if (::ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &area) != 0) return std::nullopt;
  errno = 0;
  if (area.iov_len != sizeof registers) return std::nullopt;
#if defined(__x86_64__)
  return registers.rip;
#elif defined(__aarch64__)
  return registers.pc;
#else
#error "which register holds the next instruction?"
#endif
}

/// Lets a stopped thread go on as if nobody had looked: with the signal that it was about to get, or as
/// stopped as SIGSTOP wants it.
void resume(pid_t tid) {
  siginfo_t info{};
  if (::ptrace(PTRACE_GETSIGINFO, tid, nullptr, &info) != 0) return;
  const bool our_stop = info.si_code >> 8 == PTRACE_EVENT_STOP;
  if (our_stop && info.si_signo != SIGTRAP)
    ::ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);
  else
    ::ptrace(PTRACE_CONT, tid, nullptr, our_stop ? 0L : static_cast<long>(info.si_signo));
}

/// R, S, t, … of /proc/PID/task/TID/stat.
char state_of(pid_t pid, pid_t tid) {
  const auto stat = read_stat({}, fmt::format("/proc/{}/task/{}", pid, tid));
  return stat ? stat->state : 'X';
}

/// The thread that traces another one, or 0.
pid_t tracer_of(pid_t pid, const SystemRoot& root) {
  const auto status = root.text(fmt::format("/proc/{}/status", pid));
  std::string_view lines = status ? std::string_view(*status) : std::string_view();
  while (!lines.empty()) {
    std::string_view line = take_until(lines, '\n');
    if (take_until(line, ':') == "TracerPid") return to_number<pid_t>(take_word(line)).value_or(0);
  }
  return 0;
}

class Sampler {
 public:
  Sampler(pid_t pid, const std::vector<pid_t>& tids) : pid_(pid) {
    for (const pid_t tid : tids) threads_.push_back({.tid = tid});
  }

  void sample(std::chrono::milliseconds duration, const std::stop_token& stop) {
    std::minstd_rand random;
    std::uniform_int_distribution<int64_t> pause(kEvery.count() / 2, kEvery.count() * 3 / 2);
    const auto end = Clock::now() + duration;
    for (auto next = Clock::now(), now = next; now < end && !stop.stop_requested(); now = Clock::now()) {
      const bool due = now >= next;
      for (Thread& thread : threads_) look_at(thread, due);
      if (due) next = now + std::chrono::microseconds(pause(random));
      const bool waiting = std::ranges::any_of(threads_, &Thread::asked);
      std::this_thread::sleep_until(waiting ? now + kPatience : next);
    }
  }

  Samples take() && { return std::move(samples_); }

 private:
  struct Thread {
    pid_t tid;
    bool asked = false;  ///< to stop, and has not yet
  };

  /// Lets a thread go on if it is stopped: it had no core when it was asked to, or a signal came for it. If
  /// it runs, and is `due`, asks it to stop.
  void look_at(Thread& thread, bool due) {
    const char state = state_of(pid_, thread.tid);
    if (state == 't') let_go(thread);
    if (state != 'R') thread.asked = false;
    if (state != 'R' || !due || thread.asked) return;

    const auto begin = Clock::now();
    thread.asked = ::ptrace(PTRACE_INTERRUPT, thread.tid, nullptr, nullptr) == 0;
    while (thread.asked && Clock::now() < begin + kPatience) let_go(thread);
  }

  /// If a thread is stopped, notes where it is and lets it go on.
  void let_go(Thread& thread) {
    const auto begin = Clock::now();
    const auto instruction = instruction_of(thread.tid);
    if (!instruction && errno == ESRCH) return;
    resume(thread.tid);
    samples_.stopped += Clock::now() - begin;
    if (instruction && thread.asked) samples_.addresses.push_back(*instruction);
    thread.asked = false;
  }

  pid_t pid_;
  std::vector<Thread> threads_;
  Samples samples_;
};

}  // namespace

std::string ptrace_refusal(pid_t pid, const SystemRoot& root) {
  if (const pid_t tracer = tracer_of(pid, root); tracer != 0)
    return fmt::format("process {} is traced already, by {} (a debugger, or strace)", pid, tracer);
  struct stat info {};
  const bool ours = ::geteuid() == 0 || (::stat(root.at(fmt::format("/proc/{}", pid)).c_str(), &info) == 0 &&
                                         info.st_uid == ::geteuid());
  if (!ours)
    return fmt::format("process {} belongs to {}: run as that user, or with sudo", pid, owner_of(root, pid));
  switch (root.number("/proc/sys/kernel/yama/ptrace_scope").value_or(0)) {
    case 1:
      return "kernel.yama.ptrace_scope is 1, which lets a program look into its children only: have the "
             "server "
             "started from here (halcyon measure -- COMMAND), or run with CAP_SYS_PTRACE (sudo)";
    case 2:
      return "kernel.yama.ptrace_scope is 2: run with CAP_SYS_PTRACE (sudo)";
    case 3:
      return "kernel.yama.ptrace_scope is 3, which forbids it to everybody until the next boot";
    default:
      return "refused, by a container or a security module perhaps: run with CAP_SYS_PTRACE (docker "
             "run --cap-add SYS_PTRACE)";
  }
}

Result<Samples> sample_by_ptrace(pid_t pid, const std::vector<pid_t>& tids,
                                 std::chrono::milliseconds duration, const std::stop_token& stop) {
  // A thread of its own is the tracer: however it ends, the kernel then frees all that it traces, and neither
  // wakes a sleeping thread nor loses a signal at that.
  Result<Samples> samples;
  std::optional<BlockSignals> block(std::in_place);
  pid_t tracer = 0;
  std::thread thread([&] {
    tracer = ::gettid();
    std::vector<pid_t> traced;
    int error = 0;
    for (const pid_t tid : tids) {
      if (::ptrace(PTRACE_SEIZE, tid, nullptr, nullptr) == 0)
        traced.push_back(tid);
      else if (errno != ESRCH)  // a thread that has ended is none to sample
        error = errno;
    }
    if (traced.empty() && error == EPERM)
      samples = fail("{}", ptrace_refusal(pid));
    else if (traced.empty() && error != 0)
      samples = fail("{}", std::generic_category().message(error));
    else {
      Sampler sampler(pid, traced);
      sampler.sample(duration, stop);
      samples = std::move(sampler).take();
    }
  });
  block.reset();
  thread.join();
  // The kernel frees them a moment after join() has returned; until then nobody could trace them again.
  for (const pid_t tid : tids)
    while (tracer_of(tid, {}) == tracer) std::this_thread::yield();
  return samples;
}

}  // namespace halcyon::probe
