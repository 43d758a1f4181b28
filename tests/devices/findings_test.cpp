// What is in the way on machines that are not here, and the setting that changes it.
#include "devices/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "devices/describe.h"
#include "tests/devices/fake_machine.h"

namespace halcyon::devices {
namespace {

using test::FakeMachine;
using test::kGiB;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

std::vector<Finding> findings_of(const Machine& machine) {
  const auto known = parse_known_issues(known_issues_json());
  return find(machine, known.value());
}
std::vector<Finding> findings_of(const FakeMachine& machine) {
  return findings_of(read_machine(machine.root()));
}

std::vector<std::string> ids(const std::vector<Finding>& findings) {
  std::vector<std::string> ids;
  for (const Finding& f : findings) ids.push_back(f.id);
  return ids;
}

Finding with_id(const std::vector<Finding>& findings, std::string_view id) {
  const auto found = std::ranges::find(findings, id, &Finding::id);
  EXPECT_NE(found, findings.end()) << id;
  return found == findings.end() ? Finding{Finding::Level::hint, "", "", ""} : *found;
}

TEST(Findings, AStrixHaloAsItComesMapsHalfOfItsMemory) {
  const auto findings = findings_of(FakeMachine::strix_halo());
  EXPECT_THAT(ids(findings), ElementsAre("gtt"));
  // 125.5 GiB, of which an eighth stays: 109 whole GiB, × 262144 pages.
  EXPECT_THAT(findings[0].settings, ElementsAre("ttm.pages_limit=28573696 ttm.page_pool_size=28573696",
                                                "options ttm pages_limit=28573696 page_pool_size=28573696"));
  EXPECT_EQ(28573696u, 109 * 262144u);
  EXPECT_THAT(findings[0].what, AllOf(HasSubstr("card1 (gfx1151) can map 62.0 GiB of the 125.5 GiB")));
  EXPECT_THAT(findings[0].advice, AllOf(HasSubstr("leaves 16.5 GiB"), HasSubstr("update-grub")));
  EXPECT_EQ(findings[0].level, Finding::Level::problem);
}

TEST(Findings, AStrixHaloAfterTheSettingHasNone) {
  FakeMachine machine = FakeMachine::strix_halo(kGiB / 2, 109 * kGiB);
  machine.file("/proc/cmdline", "quiet ttm.pages_limit=28573696 ttm.page_pool_size=28573696\n");
  EXPECT_THAT(findings_of(machine), IsEmpty());
  EXPECT_THAT(to_text(read_machine(machine.root()), {}, {}), HasSubstr("Nothing is in the way"));
}

TEST(Findings, ALargeCarveOutWastesMemory) {
  const auto findings = findings_of(FakeMachine::strix_halo(64 * kGiB, 54 * kGiB));
  EXPECT_THAT(ids(findings), ElementsAre("carve_out"));
  EXPECT_THAT(findings[0].what, HasSubstr("64.0 GiB aside for card1"));
  EXPECT_THAT(findings[0].advice, HasSubstr("UMA frame buffer"));
}

TEST(Findings, DeprecatedOptionsAndCombinedOnes) {
  FakeMachine machine = FakeMachine::strix_halo(kGiB / 2, 109 * kGiB);
  machine.file("/proc/cmdline", "amdgpu.gttsize=111616\n");
  Finding alone = with_id(findings_of(machine), "gttsize");
  EXPECT_EQ(alone.level, Finding::Level::hint);
  EXPECT_THAT(alone.what, HasSubstr("amdgpu.gttsize=111616 (the kernel command line) is deprecated"));

  machine.file("/etc/modprobe.d/ttm.conf", "options ttm pages_limit=28573696\n");
  Finding combined = with_id(findings_of(machine), "gttsize");
  EXPECT_EQ(combined.level, Finding::Level::problem);
  EXPECT_THAT(combined.what, HasSubstr("ttm.pages_limit=28573696 (/etc/modprobe.d/ttm.conf)"));
}

TEST(Findings, APoolThatIsSmallerThanTheLimit) {
  FakeMachine machine = FakeMachine::strix_halo(kGiB / 2, 109 * kGiB);
  machine.file("/sys/module/ttm/parameters/page_pool_size", "1000\n");
  EXPECT_THAT(with_id(findings_of(machine), "page_pool_size").settings,
              ElementsAre("ttm.page_pool_size=28573696"));
}

TEST(Findings, KnownBadVersionsNameTheirSource) {
  FakeMachine machine = FakeMachine::strix_halo(kGiB / 2, 109 * kGiB);
  machine.file("/proc/sys/kernel/osrelease", "6.17.9-amd64\n")
      .file("/var/lib/dpkg/status",
            "Package: linux-firmware\nStatus: install ok installed\nVersion: 20251125-1\n\n")
      .file("/opt/rocm/lib/libhsa-runtime64.so.1.21.70300", "");
  const auto findings = findings_of(machine);
  EXPECT_THAT(ids(findings), ElementsAre("known_issue", "known_issue", "known_issue"));
  EXPECT_THAT(findings[0].what, HasSubstr("linux-firmware 20251125-1: "));
  EXPECT_THAT(findings[1].what, HasSubstr("kernel 6.17.9-amd64: "));
  EXPECT_THAT(findings[2].what, HasSubstr("rocr 1.21.70300: "));
  for (const Finding& f : findings) EXPECT_THAT(f.source, HasSubstr("https://"));
}

TEST(Findings, APlainServerCanOnlyBetterItsRapl) {
  // As root every file can be read, so what another user finds is put in here.
  Machine machine = read_machine(FakeMachine::server().root());
  EXPECT_THAT(findings_of(machine), IsEmpty());
  machine.environment.rapl = Environment::Rapl::forbidden;
  EXPECT_THAT(ids(findings_of(machine)), ElementsAre("rapl"));
  EXPECT_THAT(findings_of(machine)[0].settings[0], HasSubstr("energy_uj"));
}

TEST(Findings, WslHasNeitherInterruptsNorSensors) {
  const auto findings = findings_of(FakeMachine::wsl());
  EXPECT_THAT(ids(findings), ElementsAre("wsl_interrupts", "wsl_power"));
  EXPECT_THAT(findings[0].advice, HasSubstr("freeze"));
}

TEST(Findings, AContainerWithoutDevices) {
  const auto findings = findings_of(FakeMachine::container());
  EXPECT_THAT(ids(findings), UnorderedElementsAre("gtt", "container_devices", "memory_limit"));
  EXPECT_THAT(with_id(findings, "container_devices").settings[0], HasSubstr("--device /dev/kfd"));
  EXPECT_THAT(with_id(findings, "memory_limit").what, HasSubstr("16.0 GiB"));
}

TEST(Findings, DevicesThatThisUserMayNotOpen) {
  Machine machine = read_machine(FakeMachine::strix_halo(kGiB / 2, 109 * kGiB).root());
  machine.environment.kfd_usable = false;
  machine.environment.unusable_render_nodes = {"/dev/dri/renderD128"};
  const Finding found = with_id(findings_of(machine), "access");
  EXPECT_THAT(found.what, HasSubstr("/dev/dri/renderD128, /dev/kfd"));
  EXPECT_THAT(found.settings, ElementsAre("sudo usermod -aG render,video $USER"));
}

TEST(Findings, AGpuWithoutAVulkanDriver) {
  Machine machine = read_machine(FakeMachine::strix_halo(kGiB / 2, 109 * kGiB).root());
  machine.vulkan = {VulkanDevice{.name = "llvmpipe", .type = "cpu"}};
  EXPECT_THAT(ids(findings_of(machine)), ElementsAre("vulkan_driver"));
  machine.vulkan->push_back(VulkanDevice{.name = "Radeon 8060S", .type = "integrated"});
  EXPECT_THAT(findings_of(machine), IsEmpty());
}

TEST(Findings, HugePagesSwapAndGovernor) {
  FakeMachine machine = FakeMachine::strix_halo(kGiB / 2, 109 * kGiB);
  machine.file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n")
      .file("/proc/meminfo",
            "MemTotal: 131596288 kB\nMemAvailable: 1 kB\nSwapTotal: 8388608 kB\nSwapFree: 6291456 kB\n")
      .file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "acpi-cpufreq\n");
  const auto findings = findings_of(machine);
  EXPECT_THAT(ids(findings), ElementsAre("huge_pages", "swap", "governor"));
  EXPECT_THAT(with_id(findings, "swap").what, AllOf(HasSubstr("2.0 GiB"), HasSubstr("kernel worker")));
  EXPECT_THAT(with_id(findings, "governor").what, HasSubstr("acpi-cpufreq"));
}

TEST(Findings, NoSensorOfPower) {
  FakeMachine machine = FakeMachine::server();
  std::filesystem::remove_all(machine.path() / "sys/class/powercap");
  EXPECT_THAT(ids(findings_of(machine)), ElementsAre("no_power_sensor"));
}

TEST(Findings, TextAndJsonHaveThemAll) {
  const Machine machine = read_machine(FakeMachine::strix_halo(4 * kGiB).root());
  const auto findings = findings_of(machine);
  const std::string text = to_text(machine, findings, model_fits(machine));
  EXPECT_THAT(text, AllOf(HasSubstr("ttm.pages_limit="), HasSubstr("VRAM (UMA carve-out) 4 GiB"),
                          HasSubstr("gfx1151"), HasSubstr("Hint: the BIOS sets 4.0 GiB aside"),
                          HasSubstr("estimated")));
  const nlohmann::json document = to_json(machine, findings, model_fits(machine));
  EXPECT_EQ(document["findings"].size(), 2u);
  EXPECT_EQ(document["findings"][0]["id"], "gtt");
  EXPECT_EQ(document["cards"][0]["gfx"], "gfx1151");
  EXPECT_EQ(document["cards"][0]["gtt_total"], 62 * kGiB);
  EXPECT_TRUE(document["cpu"]["read_bandwidth"].is_null());
  EXPECT_TRUE(document["fits"]["estimated"]);
}

TEST(Findings, WhatATerminalWouldObeyIsEscaped) {
  FakeMachine machine = FakeMachine::strix_halo();
  machine.file("/proc/cmdline", "amdgpu.gttsize=\x1b[2J\n")
      .file("/proc/cpuinfo", "processor: 0\nmodel name: a\x1b[2J\n");
  const Machine read = read_machine(machine.root());
  EXPECT_THAT(to_text(read, findings_of(read), model_fits(read)), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace halcyon::devices
