// Names of hosts.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace halcyon::measure {

/// The addresses of a host. getaddrinfo() can't be interrupted: after the deadline or a stop it goes on in a
/// thread of its own, and nobody waits for it.
Result<std::vector<boost::asio::ip::tcp::endpoint>> resolve(const std::string& host, uint16_t port,
                                                            std::chrono::steady_clock::time_point deadline,
                                                            std::stop_token stop);

}  // namespace halcyon::measure
