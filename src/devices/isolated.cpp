#include "devices/isolated.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <optional>

#include "base/child.h"

namespace halcyon::devices {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kLongest = 4 << 20;
constexpr int kNotWritten = 3;  // exit status
constexpr std::chrono::milliseconds kPatience{1000};

[[noreturn]] void run_child(const std::function<std::string()>& body, int out, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kNotWritten);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC); nowhere >= 0)
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, fd);
  std::string text;
  try {
    text = body();
  } catch (const std::exception&) {
    ::_exit(kNotWritten);
  }
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(out, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) ::_exit(kNotWritten);
    done += static_cast<size_t>(n);
  }
  ::_exit(0);  // no destructors, no handlers: they are the parent's
}

/// Reads to the end; an error says why it did not come to that.
Result<std::string> read_all(int fd, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return fail("no answer within {} s", static_cast<double>(limit.count()) / 1000);
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(left)) <= 0) continue;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("cannot read its answer: {}", std::strerror(errno));
    if (n == 0) return text;
    text.append(buffer.data(), static_cast<size_t>(n));
    if (text.size() > kLongest) return fail("its answer is longer than {} bytes", kLongest);
  }
}

/// Its status; nothing if it can't be ended, which happens to one that waits for a device.
std::optional<int> status_of(pid_t child) {
  if (!wait_until_ended(child, kPatience)) return std::nullopt;
  int status = 0;  // stays so if SIGCHLD is ignored: the kernel took it
  ::waitpid(child, &status, WNOHANG);
  return status;
}

}  // namespace

Result<std::string> run_isolated(const std::function<std::string()>& body, std::chrono::milliseconds limit) {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
  const pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    run_child(body, ends[1], parent);
  }
  ::close(ends[1]);
  if (child < 0) {
    ::close(ends[0]);
    return fail("cannot start a process: {}", std::strerror(errno));
  }
  Result<std::string> answer = read_all(ends[0], limit);
  ::close(ends[0]);
  if (!answer) ::kill(child, SIGKILL);
  const std::optional<int> status = status_of(child);
  if (!answer) return answer;
  if (!status) return fail("it did not end");
  if (WIFSIGNALED(*status)) return fail("it crashed: {}", ::strsignal(WTERMSIG(*status)));
  if (WEXITSTATUS(*status) != 0) return fail("it failed with status {}", WEXITSTATUS(*status));
  return answer;
}

}  // namespace halcyon::devices
