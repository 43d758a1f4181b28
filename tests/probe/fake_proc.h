// Processes of a made-up /proc.
#pragma once

#include <fmt/format.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/system_root.h"
#include "tests/support/support.h"

namespace halcyon::test {

class FakeProc {
 public:
  SystemRoot root() const { return SystemRoot(folder_.path()); }

  void write(std::string_view path, std::string_view text) const {
    write_file(folder_.path() / path.substr(1), text);
  }

  void link(std::string_view path, std::string_view target) const {
    const auto at = folder_.path() / path.substr(1);
    std::filesystem::create_directories(at.parent_path());
    std::filesystem::create_symlink(target, at);
  }

  struct Process {
    pid_t parent = 1;
    std::string name = "server";
    char state = 'S';
    unsigned flags = 0x400000;
    int cpu_ticks = 0, children_ticks = 0, threads = 1, start_time = 4711;
  };

  /// Writes PATH/stat, as proc(5) describes it.
  void stat(const std::string& folder, pid_t id, const Process& p) const {
    write(folder + "/stat",
          fmt::format("{} ({}) {} {} 1 1 0 -1 {} 99 0 0 0 {} 0 {} 0 20 0 {} 0 {} 3133440 395 0 0 0\n", id,
                      p.name, p.state, p.parent, p.flags, p.cpu_ticks, p.children_ticks, p.threads,
                      p.start_time));
  }

  /// /proc/PID/stat.
  void process(pid_t pid, const Process& process) const { stat(fmt::format("/proc/{}", pid), pid, process); }

 private:
  TemporaryDir folder_;
};

}  // namespace halcyon::test
