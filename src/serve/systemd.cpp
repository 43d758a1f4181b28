#include "serve/systemd.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/log.h"

namespace halcyon::serve {
namespace {

void notify(const std::string& state) {
  const int sent = sd_notify(/*unset_environment=*/0, state.c_str());
  if (sent < 0) spdlog::warn("cannot tell the service manager: {}", std::strerror(-sent));
}

std::string status_line(std::string_view status) {
  std::string line(status);
  std::ranges::replace(line, '\n', ' ');  // a line of its own would be another message
  return "STATUS=" + line;
}

}  // namespace

Result<std::optional<int>> activated_socket() {
  const int n = sd_listen_fds(/*unset_environment=*/1);
  if (n < 0) return fail("socket activation: {}", std::strerror(-n));
  if (n == 0) return std::nullopt;
  if (n > 1)
    return fail("socket activation: {} sockets, expected one: the socket unit may have one ListenStream=", n);
  const int is_stream = sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, /*listening=*/1);
  if (is_stream < 0) return fail("socket activation: {}", std::strerror(-is_stream));
  if (is_stream == 0)
    return fail(
        "socket activation: expected a listening stream socket: the socket unit needs ListenStream= and "
        "Accept=no");
  return SD_LISTEN_FDS_START;
}

void notify_ready(std::string_view status) { notify("READY=1\n" + status_line(status)); }
void notify_status(std::string_view status) { notify(status_line(status)); }
void notify_stopping() { notify("STOPPING=1"); }

}  // namespace halcyon::serve
