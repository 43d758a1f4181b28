#include "process/control_group.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/support.h"

namespace halcyon::process {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A machine whose kernel has one hierarchy of control groups.
class FakeHierarchy : public testing::Test {
 protected:
  void mount(const std::string& type, const std::string& membership, const std::string& options) {
    const std::string point = "/sys/fs/cgroup";
    test::write_file(root("/proc/self/mountinfo"),
                     fmt::format("30 25 0:26 / {} rw - {} cgroup {}\n", point, type, options));
    test::write_file(root(fmt::format("/proc/{}/cgroup", ::getpid())), membership + "\n");
    test::write_file(root(point + "/user/cgroup.procs"), "");
  }
  std::filesystem::path root(const std::string& path) const { return folder_.path() / path.substr(1); }
  SystemRoot system() const { return SystemRoot(folder_.path()); }

  test::TemporaryDir folder_;
};

TEST_F(FakeHierarchy, WithoutAFreezerIsRefusedWithWhatIsMissing) {
  mount("cgroup2", "0::/user", "rw");
  EXPECT_ERROR(make_control_group("a", system()),
               AllOf(HasSubstr("cgroup.freeze"), HasSubstr("No such file")));
  EXPECT_TRUE(system().names("/sys/fs/cgroup/user") == std::vector<std::string>{"cgroup.procs"})
      << "nothing is left behind";
}

TEST_F(FakeHierarchy, WithoutControlGroupsIsRefused) {
  test::write_file(root("/proc/self/mountinfo"), "");
  test::write_file(root(fmt::format("/proc/{}/cgroup", ::getpid())), "0::/\n");
  EXPECT_ERROR(make_control_group("a", system()), HasSubstr("not mounted"));
}

TEST_F(FakeHierarchy, WhatDeadGuardsLeftBehindIsRemoved) {
  mount("cgroup2", "0::/user", "rw");
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const auto left = root(fmt::format("/sys/fs/cgroup/user/halcyon-guard-{}-a", dead));
  const auto living = root(fmt::format("/sys/fs/cgroup/user/halcyon-guard-{}-a", ::getppid()));
  std::filesystem::create_directories(left);
  std::filesystem::create_directories(living);
  (void)make_control_group("b", system());
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_TRUE(std::filesystem::exists(living));
}

TEST(SignalMembers, ReachesEveryProcessOfTheList) {
  test::TemporaryDir folder;
  std::string list;
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    children.push_back(child);
    list += std::to_string(child) + "\n";
  }
  const auto file = folder.path() / "cgroup.procs";
  test::write_file(file, list);
  signal_members(file.c_str(), SIGKILL);
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
  }
}

}  // namespace
}  // namespace halcyon::process
