// find_listener(): from a port to the socket's inode, and from that to the processes that hold it.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "base/quote.h"
#include "probe/proc.h"
#include "probe/process_tree.h"

namespace halcyon::probe {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWhoIsIt = "give the server's process with --pid";

/// A row of /proc/net/tcp or tcp6 in state LISTEN.
struct Listening {
  std::string socket;  ///< as links in /proc/PID/fd show it: "socket:[4711]"
  uint32_t user = 0;
};

std::vector<Listening> listening_on(uint16_t port, const SystemRoot& root) {
  std::vector<Listening> found;
  for (const std::string_view file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto table = root.text(file);
    if (!table) continue;
    std::string_view rows = *table;
    take_until(rows, '\n');  // the heading
    while (!rows.empty()) {
      std::string_view row = take_until(rows, '\n');
      take_word(row);
      std::string_view address = take_word(row);
      take_word(row);
      const bool listens = take_word(row) == "0A";
      const size_t colon = std::min(address.find(':'), address.size());
      const auto row_port = to_number<uint16_t>(address.substr(std::min(colon + 1, address.size())), 16);
      for (int skipped = 0; skipped < 3; skipped++) take_word(row);  // queues, timer, retransmissions
      const auto user = to_number<uint32_t>(take_word(row));
      take_word(row);
      const std::string_view inode = take_word(row);
      if (listens && row_port == port && user && !inode.empty())
        found.push_back({.socket = fmt::format("socket:[{}]", inode), .user = *user});
    }
  }
  return found;
}

struct Holder {
  pid_t pid = 0;
  ProcStat stat;
};

/// The processes that have one of the sockets open. `unreadable`: there are processes that don't let us see.
std::vector<Holder> holders_of(const std::vector<Listening>& sockets, const SystemRoot& root,
                               bool& unreadable) {
  std::set<std::string> wanted;
  for (const Listening& socket : sockets) wanted.insert(socket.socket);
  std::vector<Holder> holders;
  for (const pid_t pid : ids_in(root, "/proc")) {
    std::error_code error;
    for (fs::directory_iterator fd(root.at(fmt::format("/proc/{}/fd", pid)), error), end; !error && fd != end;
         fd.increment(error)) {
      std::error_code gone;
      if (!wanted.contains(fs::read_symlink(fd->path(), gone).string())) continue;
      if (auto stat = read_stat(root, fmt::format("/proc/{}", pid)))
        holders.push_back({pid, *std::move(stat)});
      break;
    }
    if (error == std::errc::permission_denied) unreadable = true;
  }
  return holders;
}

/// The chain of ancestors of `pid`.
std::set<pid_t> ancestors_of(pid_t pid, const SystemRoot& root) {
  std::set<pid_t> above;
  while (pid > 1) {
    const auto stat = read_stat(root, fmt::format("/proc/{}", pid));
    if (!stat || !above.insert(stat->parent).second) break;
    pid = stat->parent;
  }
  return above;
}

}  // namespace

Result<pid_t> find_listener(uint16_t port, const SystemRoot& root) {
  const std::vector<Listening> sockets = listening_on(port, root);
  if (sockets.empty())
    return fail("nobody listens on port {} of this machine; if the server runs in a container, {}", port,
                kWhoIsIt);

  bool unreadable = false;
  std::vector<Holder> holders = holders_of(sockets, root, unreadable);
  if (holders.empty() && unreadable)
    return fail(
        "the process that listens on port {} belongs to user {}: run as that user or with sudo, or {}", port,
        sockets.front().user, kWhoIsIt);
  if (holders.empty())
    return fail(
        "the process that listens on port {} is not visible from here, in another container perhaps: {}",
        port, kWhoIsIt);

  // systemd opens the socket of a service that it starts at the first request, and keeps it.
  std::erase_if(holders, [](const Holder& holder) { return holder.stat.name == "systemd"; });
  if (holders.empty())
    return fail("systemd waits on port {} to start the server: send it a request first", port);
  for (const Holder& holder : holders)
    if (holder.stat.name == "docker-proxy" || holder.stat.name.starts_with("rootlessport"))
      return fail(
          "port {} leads into a container ({}, process {}): {} (docker inspect -f '{{{{.State.Pid}}}}' NAME)",
          port, holder.stat.name, holder.pid, kWhoIsIt);

  std::vector<pid_t> topmost;
  for (const Holder& holder : holders) {
    const std::set<pid_t> above = ancestors_of(holder.pid, root);
    if (std::ranges::none_of(holders, [&](const Holder& other) { return above.contains(other.pid); }))
      topmost.push_back(holder.pid);
  }
  if (topmost.size() != 1)
    return fail("several processes listen on port {} ({}): {}", port, fmt::join(topmost, ", "), kWhoIsIt);
  return topmost.front();
}

}  // namespace halcyon::probe
