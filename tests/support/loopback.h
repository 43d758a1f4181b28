// A socket for tests whose server does what no library would.
#pragma once

#include <cstdint>

namespace halcyon::test {

/// Listens on a free port of 127.0.0.1.
class LoopbackSocket {
 public:
  explicit LoopbackSocket(int backlog);
  ~LoopbackSocket();
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  int accept() const;      ///< negative once it was shut down
  void shut_down() const;  ///< ends accept()
  uint16_t port() const { return port_; }

 private:
  int fd_;
  uint16_t port_;
};

}  // namespace halcyon::test
