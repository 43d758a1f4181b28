// Which process listens on a port.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/process_tree.h"
#include "tests/probe/fake_proc.h"

namespace halcyon::probe {
namespace {

using test::FakeProc;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kHeading =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

/// A row of /proc/net/tcp.
std::string row(std::string_view address, int port, std::string_view state, int inode) {
  return fmt::format(
      "   0: {}:{:04X} 00000000:0000 {} 00000000:00000000 00:00000000 00000000  1000        0 {} 1 0 100\n",
      address, port, state, inode);
}

class Listener : public testing::Test {
 protected:
  void holds(pid_t pid, const FakeProc::Process& process, int inode) const {
    proc_.process(pid, process);
    proc_.link(fmt::format("/proc/{}/fd/0", pid), "/dev/null");
    proc_.link(fmt::format("/proc/{}/fd/3", pid), fmt::format("socket:[{}]", inode));
  }
  FakeProc proc_;
};

TEST_F(Listener, IsFoundByTheInodeOfItsSocket) {
  proc_.write("/proc/net/tcp", std::string(kHeading) + row("0100007F", 8080, "01", 11) +
                                   row("0100007F", 8080, "0A", 12) + row("00000000", 80, "0A", 13));
  holds(500, {.name = "client"}, 11);
  holds(600, {.name = "llama-server"}, 12);
  holds(700, {.name = "nginx"}, 13);
  EXPECT_EQ(find_listener(8080, proc_.root()), 600);
}

TEST_F(Listener, IsFoundOnIpv6) {
  proc_.write("/proc/net/tcp6",
              std::string(kHeading) + row("00000000000000000000000000000000", 11434, "0A", 21));
  holds(600, {.name = "ollama"}, 21);
  EXPECT_EQ(find_listener(11434, proc_.root()), 600);
}

TEST_F(Listener, OfSeveralIsTheAncestor) {
  proc_.write("/proc/net/tcp", std::string(kHeading) + row("00000000", 8080, "0A", 12));
  holds(700, {.parent = 1, .name = "gunicorn"}, 12);
  holds(650, {.parent = 690, .name = "worker"}, 12);  // a smaller id than its ancestor's
  proc_.process(690, {.parent = 700, .name = "shell"});
  holds(702, {.parent = 700, .name = "worker"}, 12);
  EXPECT_EQ(find_listener(8080, proc_.root()), 700);
}

TEST_F(Listener, IsNotSystemdThatOpenedTheSocketForIt) {
  proc_.write("/proc/net/tcp", std::string(kHeading) + row("00000000", 8080, "0A", 12));
  holds(1, {.parent = 0, .name = "systemd"}, 12);
  EXPECT_ERROR(find_listener(8080, proc_.root()), HasSubstr("send it a request first"));
  holds(600, {.name = "halcyon"}, 12);
  EXPECT_EQ(find_listener(8080, proc_.root()), 600);
}

TEST_F(Listener, InAContainerHasToBeNamed) {
  proc_.write("/proc/net/tcp", std::string(kHeading) + row("00000000", 8080, "0A", 12));
  holds(600, {.name = "docker-proxy"}, 12);
  EXPECT_ERROR(find_listener(8080, proc_.root()),
               AllOf(HasSubstr("docker-proxy, process 600"), HasSubstr("--pid")));
}

TEST_F(Listener, OfTwoThatHaveNothingToDoWithEachOtherHasToBeNamed) {
  proc_.write("/proc/net/tcp",
              std::string(kHeading) + row("0100007F", 8080, "0A", 12) + row("0200007F", 8080, "0A", 13));
  holds(600, {}, 12);
  holds(700, {}, 13);
  EXPECT_ERROR(find_listener(8080, proc_.root()), AllOf(HasSubstr("600, 700"), HasSubstr("--pid")));
}

TEST_F(Listener, ThatIsNotThereOrNotVisibleIsAnErrorThatSaysWhatToDo) {
  EXPECT_ERROR(find_listener(8080, proc_.root()),
               AllOf(HasSubstr("nobody listens on port 8080"), HasSubstr("--pid")));
  proc_.write("/proc/net/tcp", std::string(kHeading) + row("00000000", 8080, "0A", 12));
  EXPECT_ERROR(find_listener(8080, proc_.root()),
               AllOf(HasSubstr("not visible from here"), HasSubstr("--pid")));
}

TEST_F(Listener, ATableOfGarbageHasNone) {
  proc_.write("/proc/net/tcp",
              std::string(kHeading) + "\n:::\n 0: 1F90 0 0A\n 0: 00:ZZZZ 0 0A 0 0 0 0 0 0\n\xff\xfe");
  EXPECT_ERROR(find_listener(8080, proc_.root()), HasSubstr("nobody listens"));
}

TEST(RealListener, IsThisProcess) {
  const int server = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server < 0) GTEST_SKIP() << "no IPv6 sockets here";
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_any;
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(server, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(server, 1), 0);
  ASSERT_EQ(::getsockname(server, reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(find_listener(ntohs(address.sin6_port)), ::getpid());
  ::close(server);
}

}  // namespace
}  // namespace halcyon::probe
