// What a service and systemd say to each other: sd_listen_fds(3), sd_notify(3). Without systemd everything
// here does nothing.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"

namespace halcyon::serve {

/// The listening socket that systemd opened for this process, which owns it from now on; none if it was not
/// started by a socket unit. Fails unless it is exactly one stream socket. Ask once: the variables that say
/// so are removed from the environment.
Result<std::optional<int>> activated_socket();

/// Tells the service manager how it stands; `status` is what `systemctl status` shows, one line. Without
/// effect if nobody wants to know.
void notify_ready(std::string_view status);
void notify_status(std::string_view status);
void notify_stopping();

}  // namespace halcyon::serve
