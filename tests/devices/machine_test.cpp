// What files say of a machine: processors, memory, GPUs, and what it runs on.
#include "devices/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/devices/fake_machine.h"

namespace halcyon::devices {
namespace {

using test::FakeMachine;
using test::kGiB;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Machine, StrixHalo) {
  const Machine machine = read_machine(FakeMachine::strix_halo().root());
  EXPECT_EQ(machine.cpu.name, "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S");
  EXPECT_EQ(machine.cpu.sockets, 1);
  EXPECT_EQ(machine.cpu.cores, 16);
  EXPECT_EQ(machine.cpu.threads, 32);
  EXPECT_THAT(machine.cpu.isa, ElementsAre("AVX2", "F16C", "AVX-512", "AVX-512 VNNI", "AVX-512 BF16"));
  EXPECT_EQ(machine.memory.total, 126 * kGiB - kGiB / 2);
  EXPECT_EQ(machine.memory.limit, std::nullopt);
  EXPECT_EQ(machine.memory.huge_pages, "madvise");

  ASSERT_EQ(machine.cards.size(), 1u);  // neither its connector nor the file `version`
  const Card& card = machine.cards[0];
  EXPECT_EQ(card.name, "card1");
  EXPECT_EQ(card.driver, "amdgpu");
  EXPECT_EQ(card.pci_id, "1002:1586");
  EXPECT_EQ(card.vram_total, kGiB / 2);
  EXPECT_EQ(card.vram_used, 104857600u);
  EXPECT_EQ(card.gtt_total, 62 * kGiB);
  EXPECT_EQ(card.firmware, "mec 0x00000020");  // the other one is not there
  EXPECT_EQ(gfx_of(machine, card), "gfx1151");
  EXPECT_TRUE(is_apu(machine, card));

  ASSERT_EQ(machine.kfd.size(), 1u);  // the other node is the processor
  EXPECT_EQ(machine.kfd[0].gfx, "gfx1151");
  EXPECT_EQ(machine.kfd[0].simds, 80);
  EXPECT_EQ(machine.kfd[0].memory_bytes, 62 * kGiB);

  EXPECT_EQ(machine.environment.kernel, "6.18.6-200.fc43.x86_64");
  EXPECT_EQ(machine.environment.pages_limit, 62 * kGiB / 4096);
  EXPECT_FALSE(machine.environment.wsl);
  EXPECT_EQ(machine.environment.container, "");
  EXPECT_EQ(machine.environment.rapl, Environment::Rapl::readable);
  EXPECT_EQ(machine.environment.kfd_usable, true);
}

TEST(Machine, CachesAreCountedOnceHoweverManyCpusShareThem) {
  const Cpu cpu = read_cpu(FakeMachine::server().root());
  EXPECT_EQ(cpu.sockets, 2);
  EXPECT_EQ(cpu.cores, 16);
  EXPECT_EQ(cpu.threads, 32);
  ASSERT_EQ(cpu.caches.size(), 3u);
  EXPECT_EQ(cpu.caches[0].level, 1);
  EXPECT_EQ(cpu.caches[0].count, 2);
  EXPECT_EQ(cpu.caches[0].bytes, 48u << 10);
  EXPECT_EQ(cpu.caches[2].count, 2);
  EXPECT_EQ(last_level_cache(cpu), 64u << 20);
  EXPECT_THAT(cpu.isa, testing::Contains("AMX-INT8"));
}

TEST(Machine, Wsl) {
  const Machine machine = read_machine(FakeMachine::wsl().root());
  EXPECT_TRUE(machine.environment.wsl);
  EXPECT_TRUE(machine.environment.dxg);
  EXPECT_EQ(machine.environment.kfd_usable, std::nullopt);
  EXPECT_THAT(machine.cards, IsEmpty());
}

TEST(Machine, Container) {
  const Machine machine = read_machine(FakeMachine::container().root());
  EXPECT_EQ(machine.environment.container, "docker");
  EXPECT_EQ(machine.memory.limit, 16 * kGiB);
  FakeMachine kubernetes = FakeMachine::server();
  kubernetes.file("/proc/1/cgroup", "12:memory:/kubepods/besteffort/pod1\n");
  EXPECT_EQ(read_environment(kubernetes.root()).container, "kubepods");
}

TEST(Machine, TheLeastLimitOfTheControlGroupsCounts) {
  FakeMachine machine = FakeMachine::server();
  machine.file("/proc/self/cgroup", "0::/system.slice/halcyon.service\n")
      .file("/sys/fs/cgroup/system.slice/memory.max", "max\n")
      .file("/sys/fs/cgroup/system.slice/halcyon.service/memory.max", "8589934592\n");
  EXPECT_EQ(read_memory(machine.root()).limit, 8 * kGiB);
  machine.file("/sys/fs/cgroup/system.slice/memory.max", "4294967296\n");
  EXPECT_EQ(read_memory(machine.root()).limit, 4 * kGiB);

  FakeMachine version_1 = FakeMachine::server();
  version_1.file("/proc/self/cgroup", "4:memory:/docker/abc\n2:cpu,cpuacct:/\n")
      .file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
  EXPECT_EQ(read_memory(version_1.root()).limit, 2 * kGiB);
  version_1.file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");  // none
  EXPECT_EQ(read_memory(version_1.root()).limit, std::nullopt);
}

TEST(Machine, OptionsOfModulesComeFromTheCommandLineAndFromModprobe) {
  FakeMachine machine = FakeMachine::strix_halo();
  machine.file("/proc/cmdline", "quiet ttm.pages_limit=27648000 usbcore.autosuspend=-1 amdgpu.gttsize=1\n")
      .file("/etc/modprobe.d/ai.conf", "# x\noptions ttm page_pool_size=5 x=1\nblacklist nouveau\n")
      .file("/etc/modprobe.d/old.conf.bak", "options ttm pages_limit=1\n");
  const auto options = read_environment(machine.root()).module_options;
  std::vector<std::string> found;
  for (const ModuleOption& o : options)
    found.push_back(o.module + "." + o.name + "=" + o.value + " " + o.origin);
  EXPECT_THAT(found,
              ElementsAre("ttm.pages_limit=27648000 the kernel command line",
                          "amdgpu.gttsize=1 the kernel command line",
                          "ttm.page_pool_size=5 /etc/modprobe.d/ai.conf", "ttm.x=1 /etc/modprobe.d/ai.conf"));
}

TEST(Machine, NothingThere) {
  const FakeMachine nothing;
  const Machine machine = read_machine(nothing.root());
  EXPECT_EQ(machine.cpu.threads, 0);
  EXPECT_EQ(machine.memory.total, 0u);
  EXPECT_THAT(machine.cards, IsEmpty());
  EXPECT_THAT(machine.kfd, IsEmpty());
  EXPECT_THAT(machine.versions, IsEmpty());
  EXPECT_EQ(machine.environment.rapl, Environment::Rapl::absent);
}

TEST(Machine, FilesThatMakeNoSense) {
  FakeMachine machine = FakeMachine::strix_halo();
  machine.file("/proc/meminfo", "MemTotal: lots\n:\nMemAvailable:\n")
      .file("/proc/cpuinfo", ":::\nprocessor\nphysical id : \n")
      .file("/sys/class/drm/card1/device/mem_info_gtt_total", "-5\n")
      .file("/sys/class/drm/card1/device/mem_info_vram_total", "99999999999999999999999\n")
      .file("/sys/class/kfd/kfd/topology/nodes/1/properties", "gfx_target_version x\nsimd_count\n")
      .file("/sys/class/kfd/kfd/topology/nodes/x/properties", "gfx_target_version 110501\n")
      .file("/proc/self/cgroup", "0::\n:\nx:y\n")
      .file("/proc/cmdline", ". .. ttm. ttm.= .=\n")
      .file("/sys/kernel/mm/transparent_hugepage/enabled", "]always[\n");
  const Machine read = read_machine(machine.root());
  EXPECT_EQ(read.memory.total, 0u);
  EXPECT_EQ(read.memory.huge_pages, "");
  EXPECT_EQ(read.cards[0].gtt_total, std::nullopt);
  EXPECT_EQ(read.cards[0].vram_total, std::nullopt);
  EXPECT_THAT(read.kfd, IsEmpty());
}

TEST(Machine, NamesOfTargets) {
  EXPECT_EQ(gfx_target(110501), "gfx1151");
  EXPECT_EQ(gfx_target(90010), "gfx90a");
  EXPECT_EQ(gfx_target(120001), "gfx1201");
  EXPECT_TRUE(is_apu("gfx1151"));
  EXPECT_FALSE(is_apu("gfx1201"));
}

}  // namespace
}  // namespace halcyon::devices
