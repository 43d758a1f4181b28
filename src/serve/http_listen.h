// Sockets that listen: made for an address, or taken over from whoever started us.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace halcyon::serve {

/// A listening stream socket; closed with this.
class ListenSocket {
 public:
  explicit ListenSocket(int fd) : fd_(fd) {}
  ListenSocket(ListenSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ListenSocket& operator=(ListenSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~ListenSocket();

  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

  int family() const;           ///< AF_INET, AF_INET6 or AF_UNIX
  uint16_t port() const;        ///< 0 for a Unix socket
  std::string address() const;  ///< "127.0.0.1:8080", "[::1]:8080", "unix:/run/halcyon.sock"

 private:
  int fd_;
};

/// Listens on all addresses of `host` (an IPv4 or IPv6 address, or a name), with one port for all of them;
/// port 0 takes one that is free. Addresses that this machine does not have are passed over if others are
/// left.
Result<std::vector<ListenSocket>> listen_on(const std::string& host, uint16_t port);

/// A socket that listens already, as a service manager hands it over; owned from here on, whatever the
/// result.
Result<ListenSocket> adopt_listener(int fd);

/// The address of a peer without its port: "127.0.0.1", "::1", "unix". IPv4 in IPv6 is written as IPv4.
std::string peer_name(const sockaddr* address, socklen_t size);

}  // namespace halcyon::serve
