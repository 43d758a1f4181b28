#include "measure/port.h"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(Port, GoesWhereTheCommandLineHasAPlaceForIt) {
  EXPECT_TRUE(wants_port({"server", "--listen=127.0.0.1:{port}"}));
  EXPECT_FALSE(wants_port({"server", "--port", "80"}));
  EXPECT_THAT(with_port({"server", "{port}", "-u=http://a:{port}/{port}"}, 81),
              testing::ElementsAre("server", "81", "-u=http://a:81/81"));
}

TEST(Port, OfACommandLine) {
  EXPECT_THAT(port_in({"llama-server", "-m", "x.gguf", "--port", "8081"}), Optional(8081));
  EXPECT_THAT(port_in({"vllm", "serve", "--port=9000"}), Optional(9000));
  EXPECT_EQ(port_in({"llama-server", "-p", "5001"}), std::nullopt) << "a prompt";
  EXPECT_EQ(port_in({"server", "--port"}), std::nullopt);
  EXPECT_EQ(port_in({"ollama", "serve"}), std::nullopt);
}

TEST(Port, ThatIsFreeCanBeListenedOnAndIsThenFound) {
  ASSERT_OK_AND_ASSIGN(const uint16_t port, free_port());
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  EXPECT_THAT(listening_ports({::getpid()}), ElementsAre(port));
  EXPECT_THAT(listening_ports({}), ElementsAre());
  ::close(fd);
}

TEST(Port, ThisMachineIsKnownByItsAddresses) {
  EXPECT_TRUE(is_here("127.0.0.1"));
  EXPECT_TRUE(is_here("localhost"));
  EXPECT_FALSE(is_here("192.0.2.1")) << "for documentation only: RFC 5737";
  EXPECT_FALSE(is_here("no-such-host.invalid"));
}

}  // namespace
}  // namespace halcyon::measure
