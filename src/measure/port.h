// Which port a server is on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::measure {

/// A TCP port of this machine that is free now.
Result<uint16_t> free_port();

/// Whether a command line has "{port}" where its port belongs.
bool wants_port(const std::vector<std::string>& command);

/// The command line with the port there.
std::vector<std::string> with_port(std::vector<std::string> command, uint16_t port);

/// The port that a command line names: --port N, --port=N. (-p is a prompt to some.)
std::optional<uint16_t> port_in(const std::vector<std::string>& command);

/// The TCP ports that one of the processes listens on.
std::set<uint16_t> listening_ports(const std::set<pid_t>& pids, const SystemRoot& root = {});

/// Whether a host is this machine. False if its name is not known.
bool is_here(const std::string& host);

}  // namespace halcyon::measure
