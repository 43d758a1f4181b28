#include "measure/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "base/quote.h"

extern char** environ;

namespace halcyon::measure {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{20};

std::string reason(int error) { return ::strerrordesc_np(error); }

/// Whether a child has ended; it can be asked again.
bool has_ended(pid_t pid, siginfo_t& info) {
  info = {};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == pid;
}

void nap() {
  const timespec time = {.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kPoll).count()};
  ::nanosleep(&time, nullptr);
}

/// The process that outlives us: waits for a byte or for our end. Only system calls from here on, since this
/// is a copy of a process with threads.
[[noreturn]] void keep(int pipe, pid_t server) {
  ::setsid();  // what is sent to our process group is not for it
  ::prctl(PR_SET_NAME, "halcyon-keeper");
  ::close_range(0, static_cast<unsigned>(pipe) - 1, 0);
  ::close_range(static_cast<unsigned>(pipe) + 1, ~0U, 0);
  char byte;
  ssize_t n;
  do n = ::read(pipe, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n == 1) ::_exit(0);
  ::kill(-server, SIGTERM);
  for (milliseconds left = std::chrono::seconds(10); left.count() > 0 && ::kill(-server, 0) == 0;
       left -= kPoll)
    nap();
  ::kill(-server, SIGKILL);
  ::_exit(0);
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const std::vector<std::string>& command,
                                                            const std::filesystem::path& log) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);

  // Created here, for an error message that names it.
  const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log_fd < 0) return fail("{}: {}", quote(log.string()), reason(errno));
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&files, log_fd, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&files, log_fd, STDERR_FILENO);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, words[0], &files, &attributes, words.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  ::close(log_fd);
  if (error != 0) return fail("{}: cannot be started: {}", quote(command.front()), reason(error));

  int pipe[2] = {-1, -1};
  pid_t keeper = -1;
  if (::pipe2(pipe, O_CLOEXEC) == 0) {
    keeper = ::fork();
    if (keeper == 0) keep(pipe[0], pid);
    ::close(pipe[0]);
  }
  return std::unique_ptr<ServerProcess>(new ServerProcess(pid, keeper, pipe[1]));
}

ServerProcess::~ServerProcess() { stop(); }

std::optional<std::string> ServerProcess::ended() const {
  siginfo_t info;
  if (pid_ <= 0) return "it was stopped";
  if (!has_ended(pid_, info)) return std::nullopt;
  if (info.si_code == CLD_EXITED) return fmt::format("it ended with status {}", info.si_status);
  const char* name = ::sigdescr_np(info.si_status);
  return fmt::format("it was ended by signal {} ({})", info.si_status, name ? name : "unknown");
}

void ServerProcess::stop(milliseconds grace) {
  if (pid_ <= 0) return;
  siginfo_t info;
  ::kill(-pid_, SIGTERM);
  for (milliseconds left = grace; left.count() > 0 && !has_ended(pid_, info); left -= kPoll) nap();
  ::kill(-pid_, SIGKILL);  // the rest of the group, too; its id is not free before the leader is waited for
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
  if (keeper_pipe_ >= 0) {
    [[maybe_unused]] const ssize_t written = ::write(keeper_pipe_, "q", 1);
    ::close(keeper_pipe_);
  }
  if (keeper_ > 0) ::waitpid(keeper_, nullptr, 0);
}

}  // namespace halcyon::measure
