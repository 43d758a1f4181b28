#include "serve/systemd.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>

#include "tests/support/support.h"

namespace halcyon::serve {
namespace {

using testing::HasSubstr;

class Socket {
 public:
  explicit Socket(int type) : fd_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {}
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }
  bool bind(const std::string& path) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return ::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  std::string receive() {
    char buffer[256];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    return n < 0 ? std::strerror(errno) : std::string(buffer, static_cast<size_t>(n));
  }

 private:
  int fd_;
};

TEST(Notify, TellsTheServiceManager) {
  const test::TemporaryDir dir;
  const std::string path = dir.path() / "notify";
  Socket manager(SOCK_DGRAM);
  ASSERT_TRUE(manager.bind(path));
  ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_ready("serving 2 models");
  notify_status("loading\nREADY=1");
  notify_stopping();
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(manager.receive(), "READY=1\nSTATUS=serving 2 models");
  EXPECT_EQ(manager.receive(), "STATUS=loading READY=1");
  EXPECT_EQ(manager.receive(), "STOPPING=1");
}

TEST(Notify, DoesNothingWithoutAServiceManager) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_ready("serving");
  ::setenv("NOTIFY_SOCKET", "/nowhere/notify", 1);  // or with one that has gone
  notify_stopping();
  ::unsetenv("NOTIFY_SOCKET");
}

/// What activated_socket() says in a process that was given `sockets` as systemd does: the descriptor,
/// "none", or the error.
std::string activated_with(const std::vector<int>& sockets) {
  int pipe[2];
  if (::pipe(pipe) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    // The descriptors begin at 3: first out of the way what is there now.
    const int answer = ::fcntl(pipe[1], F_DUPFD, 100);
    std::vector<int> copies;
    for (const int socket : sockets) copies.push_back(::fcntl(socket, F_DUPFD, 100));
    for (size_t i = 0; i < copies.size(); ++i) ::dup2(copies[i], static_cast<int>(3 + i));
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
    const auto socket = activated_socket();
    const std::string text = !socket ? socket.error().message : *socket ? std::to_string(**socket) : "none";
    const ssize_t written = ::write(answer, text.data(), text.size());
    ::_exit(written == std::ssize(text) && std::getenv("LISTEN_FDS") == nullptr ? 0 : 1);
  }
  ::close(pipe[1]);
  std::string text(256, 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(pipe[0], text.data(), text.size()))));
  ::close(pipe[0]);
  int status = -1;
  ::waitpid(child, &status, 0);
  return status == 0 ? text : "the child failed: " + text;
}

TEST(SocketActivation, HandsOverTheListeningSocket) {
  const test::TemporaryDir dir;
  Socket listening(SOCK_STREAM);
  ASSERT_TRUE(listening.bind(dir.path() / "http"));
  ASSERT_EQ(::listen(listening.fd(), 1), 0);
  EXPECT_EQ(activated_with({listening.fd()}), "3");
  EXPECT_THAT(activated_with({listening.fd(), listening.fd()}), HasSubstr("2 sockets, expected one"));
}

TEST(SocketActivation, RefusesOtherSockets) {
  const test::TemporaryDir dir;
  const Socket datagram(SOCK_DGRAM), unbound(SOCK_STREAM);
  EXPECT_THAT(activated_with({datagram.fd()}), HasSubstr("expected a listening stream socket"));
  EXPECT_THAT(activated_with({unbound.fd()}), HasSubstr("expected a listening stream socket"));
}

TEST(SocketActivation, IsNotThereOtherwise) {
  ASSERT_OK_AND_ASSIGN(std::optional<int> socket, activated_socket());
  EXPECT_EQ(socket, std::nullopt);
  ::setenv("LISTEN_PID", "1", 1);  // meant for another process
  ::setenv("LISTEN_FDS", "1", 1);
  ASSERT_OK_AND_ASSIGN(socket, activated_socket());
  EXPECT_EQ(socket, std::nullopt);
}

}  // namespace
}  // namespace halcyon::serve
