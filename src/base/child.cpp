#include "base/child.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace halcyon {
namespace {

/// Also when the kernel took it, since SIGCHLD is ignored.
bool has_ended(pid_t pid) {
  siginfo_t info{};
  const int found = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
  return found != 0 || info.si_pid == pid;
}

}  // namespace

bool wait_until_ended(pid_t pid, std::chrono::milliseconds longest) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + longest;
  pollfd end{.fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)),
             .events = POLLIN,
             .revents = 0};  // poll() passes over -1
  while (!has_ended(pid)) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) break;
    ::poll(&end, 1, static_cast<int>(std::min<int64_t>(left, 1 << 30)));
  }
  if (end.fd >= 0) ::close(end.fd);
  return has_ended(pid);
}

}  // namespace halcyon
