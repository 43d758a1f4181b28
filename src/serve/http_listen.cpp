#include "serve/http_listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>

#include "base/quote.h"

namespace halcyon::serve {
namespace {

struct Name {
  sockaddr_storage address = {};
  socklen_t size = sizeof(sockaddr_storage);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Name name_of(int fd) {
  Name name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name.address), &name.size) != 0) name.size = 0;
  return name;
}

uint16_t port_of(const sockaddr* address) {
  // sin_port and sin6_port are in the same place.
  const bool ip = address->sa_family == AF_INET || address->sa_family == AF_INET6;
  return ip ? ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port) : uint16_t{0};
}

void set_port(sockaddr* address, uint16_t port) {
  reinterpret_cast<sockaddr_in*>(address)->sin_port = htons(port);
}

std::string to_string(const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_UNIX) {
    const auto* unix_address = reinterpret_cast<const sockaddr_un*>(address);
    const size_t length = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
    std::string path(unix_address->sun_path, length);
    if (!path.empty() && path.front() == '\0')
      path.front() = '@';  // abstract
    else
      path.resize(std::strlen(path.c_str()));
    return "unix:" + path;
  }
  const bool v6 = address->sa_family == AF_INET6;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", peer_name(address, size), v6 ? "]" : "", port_of(address));
}

std::unexpected<Error> refused(const std::string& where, int error) {
  const char* what = ::strerrordesc_np(error);
  switch (error) {
    case EADDRINUSE:
      return fail("{}: address already in use: stop the program that listens there, or use another port",
                  where);
    case EACCES:
      return fail(
          "{}: permission denied: ports below 1024 need root or CAP_NET_BIND_SERVICE; use a higher port",
          where);
    case EADDRNOTAVAIL:
      return fail("{}: this machine does not have that address: use 127.0.0.1, or 0.0.0.0 for all it has",
                  where);
    default:
      return fail("{}: cannot listen: {}", where, what ? what : "unknown error");
  }
}

/// errno is 0, or why there is no socket.
ListenSocket listen_at(const addrinfo& info, bool dual_stack, int& error) {
  ListenSocket listener(::socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int yes = 1, v6_only = !dual_stack;
  const int fd = listener.fd();
  const bool ok = fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                  (info.ai_family != AF_INET6 ||
                   ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) == 0) &&
                  ::bind(fd, info.ai_addr, info.ai_addrlen) == 0 && ::listen(fd, SOMAXCONN) == 0;
  error = ok ? 0 : errno;
  return listener;
}

}  // namespace

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) ::close(fd_);
}

int ListenSocket::family() const { return name_of(fd_).address.ss_family; }

uint16_t ListenSocket::port() const { return port_of(name_of(fd_).get()); }

std::string ListenSocket::address() const {
  const Name name = name_of(fd_);
  return to_string(name.get(), name.size);
}

Result<std::vector<ListenSocket>> listen_on(const std::string& host, uint16_t port) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0)
    return fail("{}: no such host: {}; use an address like 127.0.0.1", quote(host), ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);

  std::vector<ListenSocket> listeners;
  std::string where;
  int missing = EADDRNOTAVAIL;
  for (addrinfo* info = addresses.get(); info; info = info->ai_next) {
    if (!listeners.empty()) set_port(info->ai_addr, listeners.front().port());
    int error = 0;
    ListenSocket listener = listen_at(*info, host == "::", error);
    if (error == 0) {
      listeners.push_back(std::move(listener));
      continue;
    }
    where = to_string(info->ai_addr, info->ai_addrlen);
    if (error != EADDRNOTAVAIL && error != EAFNOSUPPORT) return refused(where, error);
    missing = error;
  }
  if (listeners.empty()) return refused(where, missing);
  return listeners;
}

Result<ListenSocket> adopt_listener(int fd) {
  ListenSocket listener(fd);
  int listening = 0, type = 0;
  socklen_t size = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
    return fail("file descriptor {}: not a socket: socket activation should pass a listening one", fd);
  const int family = listener.family();
  if (!listening || type != SOCK_STREAM || (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
    return fail("file descriptor {}: not a listening TCP or Unix stream socket", fd);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return listener;
}

std::string peer_name(const sockaddr* address, socklen_t size) {
  if (address->sa_family != AF_INET && address->sa_family != AF_INET6) return "unix";
  char text[NI_MAXHOST] = "";
  ::getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  const std::string_view name = text;
  return std::string(name.starts_with("::ffff:") && name.contains('.') ? name.substr(7) : name);
}

}  // namespace halcyon::serve
