// Control groups of version 1, 2 and both, on the host and in containers.
#include "probe/cgroup.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/probe/fake_proc.h"

namespace halcyon::probe {
namespace {

using test::FakeProc;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr std::string_view kV2 =
    "31 23 0:28 / / rw,relatime - ext4 /dev/vda rw\n"
    "41 31 0:38 / /sys/fs/cgroup rw,nosuid shared:9 master:1 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr std::string_view kHybrid =
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

constexpr std::string_view kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

TEST(Cgroup, OfVersion2) {
  const FakeProc proc;
  proc.write("/proc/self/mountinfo", kV2);
  proc.write("/proc/600/cgroup", "0::/system.slice/ollama.service\n");
  proc.write("/sys/fs/cgroup/system.slice/ollama.service/cgroup.freeze", "0\n");
  proc.write("/sys/fs/cgroup/system.slice/ollama.service/cpu.stat",
             "usage_usec 1234567\nuser_usec 1\nsystem_usec 2\n");
  ASSERT_OK_AND_ASSIGN(const Cgroup cgroup, cgroup_of(600, proc.root()));
  EXPECT_EQ(cgroup.path, "/system.slice/ollama.service");
  EXPECT_EQ(cgroup.unified, "/sys/fs/cgroup/system.slice/ollama.service");
  EXPECT_TRUE(cgroup.v1.empty());
  EXPECT_FALSE(cgroup.hybrid());
  EXPECT_FALSE(cgroup.container);
  const auto freezer = freezer_of(cgroup, proc.root());
  ASSERT_TRUE(freezer);
  EXPECT_EQ(freezer->file, "/sys/fs/cgroup/system.slice/ollama.service/cgroup.freeze");
  EXPECT_EQ(freezer->freeze, "1");
  EXPECT_EQ(cgroup_cpu_ns(cgroup, proc.root()), 1'234'567'000U);
}

TEST(Cgroup, OfVersion1AndHybrid) {
  const FakeProc proc;
  proc.write("/proc/self/mountinfo", kHybrid);
  proc.write("/proc/600/cgroup",
             "7:freezer:/web\n5:cpu,cpuacct:/web/a\n3:name=systemd:/\n2:memory:/unmounted\n0::/web\n");
  proc.write("/sys/fs/cgroup/freezer/web/freezer.state", "THAWED\n");
  proc.write("/sys/fs/cgroup/cpu,cpuacct/web/a/cpuacct.usage", "987654321\n");
  ASSERT_OK_AND_ASSIGN(const Cgroup cgroup, cgroup_of(600, proc.root()));
  EXPECT_TRUE(cgroup.hybrid());
  EXPECT_EQ(cgroup.unified, "/sys/fs/cgroup/unified/web");
  EXPECT_THAT(cgroup.v1, UnorderedElementsAre(Pair("freezer", "/sys/fs/cgroup/freezer/web"),
                                              Pair("cpu", "/sys/fs/cgroup/cpu,cpuacct/web/a"),
                                              Pair("cpuacct", "/sys/fs/cgroup/cpu,cpuacct/web/a"),
                                              Pair("name=systemd", "/sys/fs/cgroup/systemd")));
  const auto freezer = freezer_of(cgroup, proc.root());
  ASSERT_TRUE(freezer) << "that of version 1: the unified group has no cgroup.freeze";
  EXPECT_EQ(freezer->file, "/sys/fs/cgroup/freezer/web/freezer.state");
  EXPECT_EQ(freezer->freeze, "FROZEN");
  EXPECT_EQ(freezer->thaw, "THAWED");
  EXPECT_EQ(cgroup_cpu_ns(cgroup, proc.root()), 987'654'321U);
}

TEST(Cgroup, TheRootGroupCannotBeFrozen) {
  const FakeProc proc;
  proc.write("/proc/self/mountinfo", kV2);
  proc.write("/proc/600/cgroup", "0::/\n");
  proc.write("/sys/fs/cgroup/cpu.stat", "usage_usec 5\n");
  ASSERT_OK_AND_ASSIGN(const Cgroup cgroup, cgroup_of(600, proc.root()));
  EXPECT_EQ(cgroup.unified, "/sys/fs/cgroup");
  EXPECT_FALSE(freezer_of(cgroup, proc.root()));
  EXPECT_EQ(cgroup_cpu_ns(cgroup, proc.root()), 5000U);
}

TEST(Cgroup, SeenFromWithinAContainerIsBelowWhatIsMounted) {
  const FakeProc proc;
  proc.write(
      "/proc/self/mountinfo",
      fmt::format("37 31 0:34 /docker/{0} /sys/fs/cgroup/freezer ro - cgroup cgroup rw,freezer\n", kId));
  proc.write("/proc/600/cgroup", fmt::format("7:freezer:/docker/{}/web\n", kId));
  ASSERT_OK_AND_ASSIGN(const Cgroup inside, cgroup_of(600, proc.root()));
  EXPECT_EQ(inside.v1.at("freezer"), "/sys/fs/cgroup/freezer/web");
  proc.write("/proc/700/cgroup", "7:freezer:/system.slice\n");
  EXPECT_ERROR(cgroup_of(700, proc.root()), HasSubstr("not mounted here"));
  proc.write("/proc/self/mountinfo", kV2);
  proc.write("/proc/800/cgroup", "0::/../other\n");
  EXPECT_ERROR(cgroup_of(800, proc.root()), HasSubstr("not mounted here"));
}

TEST(Cgroup, TellsContainersByTheirNames) {
  const struct {
    std::string path, runtime, id;
  } cases[] = {
      {fmt::format("/system.slice/docker-{}.scope", kId), "docker", std::string(kId)},
      {fmt::format("/docker/{}", kId), "docker", std::string(kId)},
      {fmt::format("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{}.scope/container", kId),
       "podman", std::string(kId)},
      {fmt::format("/kubepods.slice/kubepods-besteffort.slice/kubepods-pod12.slice/cri-containerd-{}.scope",
                   kId),
       "kubernetes", std::string(kId)},
      {fmt::format("/kubepods/burstable/pod1234/{}", kId), "kubernetes", std::string(kId)},
      {"/lxc.payload.box/init.scope", "lxc", "box"},
      {"/lxc/box", "lxc", "box"},
      {"/machine.slice/machine-debian.scope/payload", "systemd-nspawn", "debian"},
  };
  const FakeProc proc;
  proc.write("/proc/self/mountinfo", kV2);
  for (const auto& [path, runtime, id] : cases) {
    proc.write("/proc/600/cgroup", "0::" + path + "\n");
    ASSERT_OK_AND_ASSIGN(const Cgroup cgroup, cgroup_of(600, proc.root()));
    ASSERT_TRUE(cgroup.container) << path;
    EXPECT_EQ(cgroup.container->runtime, runtime) << path;
    EXPECT_EQ(cgroup.container->id, id) << path;
  }
  for (const char* none :
       {"/", "/system.slice/docker.service", "/user.slice", "/machine.slice/libpod-conmon-12.scope"}) {
    proc.write("/proc/600/cgroup", fmt::format("0::{}\n", none));
    ASSERT_OK_AND_ASSIGN(const Cgroup cgroup, cgroup_of(600, proc.root()));
    EXPECT_FALSE(cgroup.container) << none;
  }
}

TEST(Cgroup, OfAProcessThatIsGoneOrGarbageIsAnError) {
  const FakeProc proc;
  EXPECT_ERROR(cgroup_of(600, proc.root()), HasSubstr("/proc/600/cgroup"));
  proc.write("/proc/600/cgroup", "::\n\n0\n0:\n:::::\n");
  proc.write("/proc/self/mountinfo", "- cgroup2\n - cgroup\n1 2 3 - cgroup x\n");
  EXPECT_FALSE(cgroup_of(600, proc.root()));
}

TEST(Cgroup, OfThisProcessIsThere) {
  const auto cgroup = cgroup_of(::getpid());
  if (!cgroup) GTEST_SKIP() << cgroup.error().message;
  const auto before = cgroup_cpu_ns(*cgroup);
  if (!before) GTEST_SKIP() << before.error().message;
  EXPECT_GT(*before, 0U);
}

}  // namespace
}  // namespace halcyon::probe
