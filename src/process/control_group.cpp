#include "process/control_group.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "probe/cgroup.h"

namespace halcyon::process {
namespace {

constexpr std::string_view kPrefix = "halcyon-guard-";
constexpr int kLastMoments = 50;  // ms

/// "halcyon-guard-123-name" of a process 123 that is gone.
bool is_left_behind(std::string_view name) {
  if (!name.starts_with(kPrefix)) return false;
  name.remove_prefix(kPrefix.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

/// Calls `f` for each process of the list. Only system calls, if `f` makes no others.
template <class F>
void for_each_member(const char* members_file, F f) {
  const int fd = ::open(members_file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  char buffer[4096];
  pid_t pid = 0;
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    for (ssize_t i = 0; i < n; ++i) {
      if (buffer[i] >= '0' && buffer[i] <= '9') {
        pid = pid * 10 + (buffer[i] - '0');
        continue;
      }
      if (pid > 0) f(pid);
      pid = 0;
    }
  ::close(fd);
}

/// What is frozen by version 1 cannot be killed: it is thawed before.
void clear_away(const std::string& folder) {
  for (const auto& [file, thaw] : {std::pair("/cgroup.freeze", "0"), std::pair("/freezer.state", "THAWED")})
    if (const int fd = ::open((folder + file).c_str(), O_WRONLY | O_CLOEXEC); fd >= 0) {
      [[maybe_unused]] const ssize_t n = ::write(fd, thaw, std::strlen(thaw));
      ::close(fd);
    }
  signal_members((folder + "/cgroup.procs").c_str(), SIGKILL);
  ::rmdir(folder.c_str());
}

/// The folder, if it could be made and has a file to join it by that we may write.
Result<std::string> make_folder(const std::string& parent, std::string_view name, const SystemRoot& root) {
  for (const std::string& other : root.names(parent))
    if (is_left_behind(other)) clear_away(root.at(parent + "/" + other).string());
  std::string folder = root.at(fmt::format("{}/{}{}-{}", parent, kPrefix, ::getpid(), name)).string();
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
    return fail("{}: {}", folder, ::strerrordesc_np(errno));
  return folder;
}

}  // namespace

Result<ControlGroup> make_control_group(std::string_view name, const SystemRoot& root,
                                        CgroupVersion version) {
  TRY(const probe::Cgroup own, probe::cgroup_of(::getpid(), root));
  std::string refusals;
  const auto try_in = [&](const std::string& parent, std::string_view state, std::string freeze,
                          std::string thaw, bool v2) -> std::optional<ControlGroup> {
    const Result<std::string> folder = make_folder(parent, name, root);
    if (!folder) {
      refusals += (refusals.empty() ? "" : "; ") + folder.error().message;
      return std::nullopt;
    }
    ControlGroup group = {*folder, *folder + std::string(state), std::move(freeze), std::move(thaw), v2};
    // Moving a process needs the right to write to the group it is in now, too.
    const std::string here = root.at(parent + "/cgroup.procs").string();
    for (const std::string& file : {group.state_file, group.members_file(), here}) {
      if (::access(file.c_str(), W_OK) == 0) continue;
      refusals += fmt::format("{}{}: {}", refusals.empty() ? "" : "; ", file, ::strerrordesc_np(errno));
      remove_control_group(group);
      return std::nullopt;
    }
    return group;
  };
  if (own.unified && version != CgroupVersion::v1)
    if (auto group = try_in(*own.unified, "/cgroup.freeze", "1", "0", true)) return *group;
  if (const auto v1 = own.v1.find("freezer"); v1 != own.v1.end() && version != CgroupVersion::v2)
    if (auto group = try_in(v1->second, "/freezer.state", "FROZEN", "THAWED", false)) return *group;
  return fail("{}", refusals.empty() ? "no hierarchy of control groups can freeze here" : refusals);
}

void signal_members(const char* members_file, int signal) {
  for_each_member(members_file, [signal](pid_t pid) { ::kill(pid, signal); });
}

void remove_control_group(const ControlGroup& group) {
  // Members that were just killed are gone in a moment. They need not be our children.
  for_each_member(group.members_file().c_str(), [](pid_t pid) {
    pollfd end{.fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), .events = POLLIN, .revents = 0};
    if (end.fd < 0) return;
    ::poll(&end, 1, kLastMoments);
    ::close(end.fd);
  });
  ::rmdir(group.folder.c_str());
}

}  // namespace halcyon::process
