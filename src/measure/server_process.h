// A server that we start, and that does not outlive us.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace halcyon::measure {

/// A command that runs in a session of its own, its output in a file. When the object is destroyed, or this
/// process ends in any way (SIGKILL as well), the command and what it started in its process group is
/// stopped.
class ServerProcess {
 public:
  static Result<std::unique_ptr<ServerProcess>> start(const std::vector<std::string>& command,
                                                      const std::filesystem::path& log);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }

  /// How it ended, if it has: "it ended with status 1", "it was ended by signal 11 (Segmentation fault)".
  std::optional<std::string> ended() const;

  /// SIGTERM, and SIGKILL for what is still there after `grace`. Returns when it is gone.
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(10));

 private:
  ServerProcess(pid_t pid, pid_t keeper, int keeper_pipe)
      : pid_(pid), keeper_(keeper), keeper_pipe_(keeper_pipe) {}
  pid_t pid_;
  pid_t keeper_;     ///< stops the server if we can't
  int keeper_pipe_;  ///< it reads the other end: a byte means that all is well, an end that we are gone
};

}  // namespace halcyon::measure
