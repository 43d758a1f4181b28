// A server that we start, freeze, thaw and stop, and that does not outlive us.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "process/control_group.h"

namespace halcyon::process {

struct ServerCommand {
  std::vector<std::string> words;
  std::filesystem::path log;                  ///< for its output; empty: ours
  std::optional<ControlGroup> control_group;  ///< to begin in; removed with the server
};

/// A command that runs in a session of its own. When the object is destroyed, or this process ends in any way
/// (SIGKILL as well), the command and what it started in its process group or control group is thawed and
/// stopped.
class ServerProcess {
 public:
  static Result<std::unique_ptr<ServerProcess>> start(const ServerCommand& command);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }

  /// How it ended, if it has: "it ended with status 1", "it was ended by signal 11 (Segmentation fault)".
  /// Sleeps for that if need be, but not longer than `patience`.
  std::optional<std::string> ended(std::chrono::milliseconds patience = {}) const;

  /// Takes the cores from it: by its control group, or where it has none by SIGSTOP to its process group.
  Result<void> freeze();
  Result<void> thaw();
  std::string_view freezer() const;  ///< "cgroup v2", "cgroup v1", "SIGSTOP"

  void terminate();  ///< SIGTERM; it may take its time
  void kill();       ///< SIGKILL to all of it

  /// SIGTERM, and SIGKILL for what is still there after `grace`. Returns when it is gone.
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(10));

 private:
  ServerProcess(pid_t pid, std::optional<ControlGroup> group) : pid_(pid), group_(std::move(group)) {}
  void start_keeper();
  void signal(int signal);

  pid_t pid_;
  std::optional<ControlGroup> group_;
  pid_t keeper_ = -1;     ///< stops the server if we can't
  int keeper_pipe_ = -1;  ///< it reads the other end: a byte means that all is well, an end that we are gone
};

}  // namespace halcyon::process
