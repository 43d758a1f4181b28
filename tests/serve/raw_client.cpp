#include "tests/serve/raw_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace halcyon::serve::test {
namespace {

constexpr int kPatience = 30'000;  // ms

bool wait_for(int fd, short event) {
  pollfd p{.fd = fd, .events = event, .revents = 0};
  return ::poll(&p, 1, kPatience) == 1;
}

}  // namespace

RawClient::RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) disconnect();
}

RawClient::RawClient(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) disconnect();
}

RawClient::RawClient(RawClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}

RawClient::~RawClient() { disconnect(); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

size_t RawClient::send_what_fits(std::string_view bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  return sent;
}

bool RawClient::fill() {
  char piece[64 << 10];
  if (fd_ < 0 || !wait_for(fd_, POLLIN)) return false;
  const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
  if (n <= 0) return false;
  in_.append(piece, static_cast<size_t>(n));
  return true;
}

std::string RawClient::take(size_t bytes) {
  std::string taken = in_.substr(0, bytes);
  in_.erase(0, taken.size());
  return taken;
}

std::string RawClient::read_until(std::string_view end) {
  size_t from = 0;
  while (true) {
    const size_t at = in_.find(end, from);
    if (at != in_.npos) return take(at + end.size());
    from = in_.size() < end.size() ? 0 : in_.size() - end.size();
    if (!fill()) return take(in_.size());
  }
}

std::string RawClient::read_to_end() {
  while (fill()) {
  }
  return take(in_.size());
}

RawResponse RawClient::response() {
  RawResponse r;
  r.head = read_until("\r\n\r\n");
  if (!r.head.starts_with("HTTP/1.1 ") || !r.head.ends_with("\r\n\r\n")) return r;
  r.status = std::atoi(r.head.c_str() + 9);
  if (r.status < 200) return r;
  if (r.has("Transfer-Encoding: chunked\r\n")) {
    while (true) {
      const std::string line = read_until("\r\n");
      const size_t size = std::strtoul(line.c_str(), nullptr, 16);
      while (in_.size() < size + 2 && fill()) {
      }
      r.body += take(size);
      if (read_until("\r\n") != "\r\n") return r;
      r.ended = size == 0;
      if (r.ended) return r;
    }
  }
  const size_t at = r.head.find("Content-Length: ");
  if (at == r.head.npos) {
    r.body = read_to_end();
    r.ended = true;
    return r;
  }
  const size_t size = std::strtoul(r.head.c_str() + at + 16, nullptr, 10);
  while (in_.size() < size && fill()) {
  }
  r.body = take(size);
  r.ended = r.body.size() == size;
  return r;
}

RawResponse RawClient::ask(std::string_view request) {
  send(request);
  return response();
}

bool RawClient::is_closed() {
  char byte = 0;
  return in_.empty() && wait_for(fd_, POLLIN) && ::recv(fd_, &byte, 1, 0) <= 0;
}

void RawClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

void RawClient::disconnect() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawClient::disconnect_hard() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  disconnect();
}

std::string get(std::string_view path, std::string_view headers) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n{}\r\n", path, headers);
}

std::string post(std::string_view path, std::string_view body, std::string_view headers) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: test\r\n{}Content-Length: {}\r\n\r\n{}", path, headers,
                     body.size(), body);
}

}  // namespace halcyon::serve::test
