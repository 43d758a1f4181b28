// Waiting for child processes without polling.
#include "base/child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace halcyon {
namespace {

using namespace std::chrono_literals;

/// A child that waits for a signal.
pid_t start_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  return child;
}

TEST(WaitUntilEnded, SaysWhetherItHas) {
  const pid_t child = start_child();
  EXPECT_FALSE(wait_until_ended(child, 0ms));
  EXPECT_FALSE(wait_until_ended(child, 20ms));
  ::kill(child, SIGKILL);
  EXPECT_TRUE(wait_until_ended(child, 60s));
  EXPECT_TRUE(wait_until_ended(child, 0ms)) << "it can be asked again";
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child) << "it is still there to be waited for";
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(WaitUntilEnded, OneThatIsNoChildHasEnded) {
  const pid_t child = start_child();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(wait_until_ended(child, 60s));
}

}  // namespace
}  // namespace halcyon
