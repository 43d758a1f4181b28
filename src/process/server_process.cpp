#include "process/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/child.h"
#include "base/quote.h"
#include "base/signals.h"

namespace halcyon::process {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{20};  // of a process group, whose end nobody is told
constexpr milliseconds kGrace{10'000};

std::string reason(int error) { return ::strerrordesc_np(error); }

/// Only a system call or two: for copies of a process with threads as well.
int write_file(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::write(fd, text.data(), text.size()) < 0 ? errno : 0;
  ::close(fd);
  return error;
}

// Between fork and exec, or without an exec: only system calls from here on.

struct ChildPlan {
  char* const* words;
  int log;           ///< -1: output stays where it is
  const char* join;  ///< the group's list of members; nullptr: none
  int errors;        ///< pipe for the errno of what failed; closed by exec
  pid_t parent;
};

[[noreturn]] void become_server(const ChildPlan& plan) {
  const auto give_up = [&plan](int error) {
    [[maybe_unused]] const ssize_t n = ::write(plan.errors, &error, sizeof error);
    ::_exit(127);
  };
  ::setsid();
  // Beside the keeper, for the case that both of us are killed at once.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(127);
  if (plan.join)
    if (const int error = write_file(plan.join, "0")) give_up(error);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  if (plan.log >= 0)
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(plan.log, fd);
  for (int s = 1; s < NSIG; ++s) ::signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(plan.words[0], plan.words);
  give_up(errno);
  ::_exit(127);
}

struct KeeperPlan {
  int pipe;
  pid_t server;
  const char* members;  ///< of its control group; nullptr: it has none
  const char* state;
  std::string_view thaw;
  const char* folder;
};

/// The process that outlives us: waits for a byte or for our end.
[[noreturn]] void keep(const KeeperPlan& plan) {
  ::setsid();  // what is sent to our process group is not for it
  ::prctl(PR_SET_NAME, "halcyon-keeper");
  ::close_range(0, static_cast<unsigned>(plan.pipe) - 1, 0);
  ::close_range(static_cast<unsigned>(plan.pipe) + 1, ~0U, 0);
  char byte;
  ssize_t n;
  do n = ::read(plan.pipe, &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n == 1) ::_exit(0);
  const auto signal_all = [&plan](int signal) {
    if (!plan.members || signal == SIGKILL) ::kill(-plan.server, signal);
    if (plan.members) signal_members(plan.members, signal);
  };
  if (plan.state) write_file(plan.state, plan.thaw);
  signal_all(SIGCONT);
  signal_all(SIGTERM);
  const timespec time = {.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kPoll).count()};
  for (milliseconds left = kGrace; left.count() > 0 && ::kill(-plan.server, 0) == 0; left -= kPoll)
    ::nanosleep(&time, nullptr);
  signal_all(SIGKILL);
  for (int i = 0; plan.folder && i < 50 && ::rmdir(plan.folder) != 0; ++i) ::nanosleep(&time, nullptr);
  ::_exit(0);
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const ServerCommand& command) {
  std::vector<char*> words;
  for (const std::string& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);

  // Created here, for an error message that names it.
  int log = -1;
  if (!command.log.empty()) {
    log = ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (log < 0) return fail("{}: {}", quote(command.log.string()), reason(errno));
  }
  int errors[2] = {-1, -1};
  if (::pipe2(errors, O_CLOEXEC) != 0) {
    const int error = errno;
    ::close(log);
    return fail("{}: cannot be started: {}", quote(command.words.front()), reason(error));
  }
  const std::string join = command.control_group ? command.control_group->members_file() : "";
  const ChildPlan plan = {.words = words.data(),
                          .log = log,
                          .join = command.control_group ? join.c_str() : nullptr,
                          .errors = errors[1],
                          .parent = ::getpid()};
  pid_t pid = -1;
  int error = 0;
  {
    const BlockSignals until_exec;  // no handler of ours runs in the child
    pid = ::fork();
    if (pid == 0) become_server(plan);
    if (pid < 0) error = errno;
  }
  ::close(errors[1]);
  ::close(log);
  int refused = 0;
  if (pid > 0 && ::read(errors[0], &refused, sizeof refused) == static_cast<ssize_t>(sizeof refused)) {
    error = refused;
    ::waitpid(pid, nullptr, 0);
  }
  ::close(errors[0]);
  if (error != 0) return fail("{}: cannot be started: {}", quote(command.words.front()), reason(error));
  std::unique_ptr<ServerProcess> process(new ServerProcess(pid, command.control_group));
  process->start_keeper();
  return process;
}

void ServerProcess::start_keeper() {
  int pipe[2] = {-1, -1};
  if (::pipe2(pipe, O_CLOEXEC) != 0) return;
  const std::string members = group_ ? group_->members_file() : "";
  const KeeperPlan plan = {.pipe = pipe[0],
                           .server = pid_,
                           .members = group_ ? members.c_str() : nullptr,
                           .state = group_ ? group_->state_file.c_str() : nullptr,
                           .thaw = group_ ? std::string_view(group_->thaw) : "",
                           .folder = group_ ? group_->folder.c_str() : nullptr};
  keeper_ = ::fork();
  if (keeper_ == 0) keep(plan);
  ::close(pipe[0]);
  keeper_pipe_ = pipe[1];
}

ServerProcess::~ServerProcess() { stop(); }

std::optional<std::string> ServerProcess::ended(milliseconds patience) const {
  if (pid_ <= 0) return "it was stopped";
  if (!wait_until_ended(pid_, patience)) return std::nullopt;
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  if (info.si_code == CLD_EXITED) return fmt::format("it ended with status {}", info.si_status);
  const char* name = ::sigdescr_np(info.si_status);
  return fmt::format("it was ended by signal {} ({})", info.si_status, name ? name : "unknown");
}

Result<void> ServerProcess::freeze() {
  if (!group_) {
    signal(SIGSTOP);
    return {};
  }
  if (const int error = write_file(group_->state_file.c_str(), group_->freeze))
    return fail("{}: {}", group_->state_file, reason(error));
  return {};
}

Result<void> ServerProcess::thaw() {
  if (!group_) {
    signal(SIGCONT);
    return {};
  }
  if (const int error = write_file(group_->state_file.c_str(), group_->thaw))
    return fail("{}: {}", group_->state_file, reason(error));
  return {};
}

std::string_view ServerProcess::freezer() const {
  return !group_ ? "SIGSTOP" : group_->v2 ? "cgroup v2" : "cgroup v1";
}

void ServerProcess::signal(int signal) {
  if (pid_ <= 0) return;
  // Each process once: a second SIGTERM makes some end without saving anything.
  if (!group_ || signal == SIGKILL) ::kill(-pid_, signal);
  if (group_) signal_members(group_->members_file().c_str(), signal);
}

void ServerProcess::terminate() {
  (void)thaw();  // the frozen hear no signal
  signal(SIGTERM);
}

void ServerProcess::kill() {
  (void)thaw();
  signal(SIGKILL);
}

void ServerProcess::stop(milliseconds grace) {
  if (pid_ <= 0) return;
  terminate();
  wait_until_ended(pid_, grace);
  kill();  // the rest of the group, too; its id is not free before the leader is waited for
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
  if (keeper_pipe_ >= 0) {
    [[maybe_unused]] const ssize_t written = ::write(keeper_pipe_, "q", 1);
    ::close(keeper_pipe_);
  }
  if (keeper_ > 0) ::waitpid(keeper_, nullptr, 0);
  if (group_) remove_control_group(*group_);
}

}  // namespace halcyon::process
