#include "tests/support/loopback.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace halcyon::test {

LoopbackSocket::LoopbackSocket(int backlog) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size);
  ::listen(fd_, backlog);
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
}

LoopbackSocket::~LoopbackSocket() { ::close(fd_); }

int LoopbackSocket::accept() const { return ::accept(fd_, nullptr, nullptr); }

void LoopbackSocket::shut_down() const { ::shutdown(fd_, SHUT_RDWR); }

}  // namespace halcyon::test
