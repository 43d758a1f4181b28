#include "process/server_process.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/support.h"

namespace halcyon::process {
namespace {

using testing::HasSubstr;
using testing::Optional;
using namespace std::chrono_literals;

class ServerProcessTest : public testing::Test {
 protected:
  Result<std::unique_ptr<ServerProcess>> start(const std::string& script) {
    return ServerProcess::start({.words = {"sh", "-c", script}, .log = log(), .control_group = {}});
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
    return process.ended(60s).value_or("it runs on");
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
  EXPECT_ERROR(ServerProcess::start({.words = {"no-such-server"}, .log = log(), .control_group = {}}),
               HasSubstr("\"no-such-server\": cannot be started: No such file"));
  EXPECT_ERROR(
      ServerProcess::start({.words = {"true"}, .log = folder_.path() / "no" / "log", .control_group = {}}),
      HasSubstr("No such file"));
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

/// Clock ticks of CPU time.
uint64_t cpu_time(pid_t pid) {
  const std::string stat = test::read_file("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  return user + system;
}

class Frozen : public ServerProcessTest, public testing::WithParamInterface<std::string> {
 protected:
  /// With a control group of its own, of one or the other version, or without one.
  Result<std::unique_ptr<ServerProcess>> start_freezable(const std::string& script) {
    ServerCommand command = {.words = {"sh", "-c", script}, .log = log(), .control_group = {}};
    if (GetParam() != "Signal") {
      TRY(command.control_group,
          make_control_group("test", {}, GetParam() == "V1" ? CgroupVersion::v1 : CgroupVersion::v2));
      group_ = command.control_group->folder;
    }
    return ServerProcess::start(command);
  }
  std::string group_;
};

#define START_OR_SKIP(declaration, ...)                                                           \
  auto started = start_freezable(__VA_ARGS__);                                                    \
  if (!started) GTEST_SKIP() << "no control group can be made here: " << started.error().message; \
  declaration = std::move(*started)

constexpr const char* kSpinners = "sh -c 'echo $$; while :; do :; done' & while :; do :; done";

TEST_P(Frozen, UsesNoCpuUntilItIsThawed) {
  START_OR_SKIP(const auto server, kSpinners);
  const pid_t child = logged_pid();
  const auto used = [&] { return cpu_time(server->pid()) + cpu_time(child); };
  while (used() == 0) std::this_thread::sleep_for(10ms);
  ASSERT_OK(server->freeze());
  std::this_thread::sleep_for(100ms);
  const uint64_t before = used();
  std::this_thread::sleep_for(500ms);
  EXPECT_EQ(used(), before) << server->freezer();
  ASSERT_OK(server->thaw());
  while (used() == before) std::this_thread::sleep_for(10ms);
}

TEST_P(Frozen, CanBeStopped) {
  START_OR_SKIP(const auto server, kSpinners);
  const pid_t child = logged_pid();
  ASSERT_OK(server->freeze());
  server->stop();
  wait_until_gone(child);
  EXPECT_FALSE(!group_.empty() && std::filesystem::exists(group_)) << "its control group is gone, too";
}

TEST_P(Frozen, IsToldToEndOnce) {
  START_OR_SKIP(const auto server,
                "n=0; trap 'n=$((n+1)); echo told $n' TERM; echo $$; while :; do sleep 0.1; done");
  logged_pid();
  ASSERT_OK(server->freeze());
  server->terminate();
  EXPECT_EQ(server->ended(500ms), std::nullopt);
  EXPECT_THAT(test::read_file(log()), testing::EndsWith("\ntold 1\n"));
  server->stop(0ms);
}

TEST_P(Frozen, IsNotStrandedByAParentThatIsKilled) {
  const pid_t parent = ::fork();
  if (parent == 0) {
    auto server = start_freezable(kSpinners);
    if (!server) {
      test::write_file(log(), "0\n");
      ::_exit(0);
    }
    (void)logged_pid();
    (void)(*server)->freeze();
    test::write_file(folder_.path() / "frozen", "");
    ::pause();
    ::_exit(0);
  }
  const pid_t grandchild = logged_pid();
  if (grandchild == 0) {
    ::waitpid(parent, nullptr, 0);
    GTEST_SKIP() << "no control group can be made here";
  }
  while (!std::filesystem::exists(folder_.path() / "frozen")) std::this_thread::sleep_for(10ms);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  wait_until_gone(grandchild);
}

INSTANTIATE_TEST_SUITE_P(By, Frozen, testing::Values("V2", "V1", "Signal"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace halcyon::process
