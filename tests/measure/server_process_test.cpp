#include "measure/server_process.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::HasSubstr;
using testing::Optional;
using namespace std::chrono_literals;

class ServerProcessTest : public testing::Test {
 protected:
  Result<std::unique_ptr<ServerProcess>> start(const std::string& script) {
    return ServerProcess::start({"sh", "-c", script}, log());
  }
  std::filesystem::path log() const { return folder_.path() / "server.log"; }

  /// The first number in the log, once it is there.
  pid_t logged_pid() const {
    for (;; std::this_thread::sleep_for(10ms)) {
      std::ifstream in(log());
      if (std::string line; std::getline(in, line) && !in.eof()) return std::stoi(line);
    }
  }

  static std::string how_it_ended(const ServerProcess& process) {
    while (!process.ended()) std::this_thread::sleep_for(10ms);
    return *process.ended();
  }

  /// Whether a process is there that is no zombie.
  static bool runs(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
    std::string stat;
    return std::getline(in, stat) && stat.substr(stat.rfind(')') + 2, 1) != "Z";
  }
  static void wait_until_gone(pid_t pid) {
    while (runs(pid)) std::this_thread::sleep_for(10ms);
  }

  test::TemporaryDir folder_;
};

TEST_F(ServerProcessTest, ItsOutputIsInTheLog) {
  ASSERT_OK_AND_ASSIGN(const auto process, start("echo out; echo err >&2; cat"));
  EXPECT_EQ(how_it_ended(*process), "it ended with status 0") << "standard input is empty";
  EXPECT_EQ(test::read_file(log()), "out\nerr\n");
}

TEST_F(ServerProcessTest, HowItEndedIsSaid) {
  ASSERT_OK_AND_ASSIGN(const auto exits, start("exit 3"));
  EXPECT_EQ(how_it_ended(*exits), "it ended with status 3");
  ASSERT_OK_AND_ASSIGN(const auto crashes, start("kill -SEGV $$"));
  EXPECT_THAT(how_it_ended(*crashes), HasSubstr("signal 11 (Segmentation fault)"));
}

TEST_F(ServerProcessTest, ACommandThatIsNotThereIsNamed) {
  EXPECT_ERROR(ServerProcess::start({"no-such-server"}, log()),
               HasSubstr("\"no-such-server\": cannot be started: No such file"));
  EXPECT_ERROR(ServerProcess::start({"true"}, folder_.path() / "no" / "log"), HasSubstr("No such file"));
}

TEST_F(ServerProcessTest, StopEndsItAndItsChildren) {
  ASSERT_OK_AND_ASSIGN(const auto process, start("sleep 1000 & echo $!; wait"));
  const pid_t child = logged_pid();
  process->stop();
  EXPECT_THAT(process->ended(), Optional(HasSubstr("stopped")));
  wait_until_gone(child);
}

TEST_F(ServerProcessTest, WhatIgnoresSigtermIsKilledAfterAWhile) {
  ASSERT_OK_AND_ASSIGN(const auto process, start("trap '' TERM; echo $$; while :; do sleep 1000; done"));
  const pid_t pid = logged_pid();
  process->stop(100ms);
  wait_until_gone(pid);
}

TEST_F(ServerProcessTest, ItDoesNotOutliveAParentThatIsKilled) {
  const pid_t parent = ::fork();
  if (parent == 0) {
    const auto process = start("sleep 1000 & echo $!; wait");
    ::pause();
    ::_exit(0);
  }
  const pid_t grandchild = logged_pid();
  EXPECT_TRUE(runs(grandchild));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  wait_until_gone(grandchild);
}

}  // namespace
}  // namespace halcyon::measure
