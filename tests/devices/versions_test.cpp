#include "devices/versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/devices/fake_machine.h"

namespace halcyon::devices {
namespace {

using test::FakeMachine;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(Versions, AllThatAMeasurementDependsOn) {
  FakeMachine machine = FakeMachine::strix_halo();
  machine.file("/sys/class/dmi/id/bios_version", "1.05\n")
      .file("/var/lib/dpkg/status",
            "Package: mesa-vulkan-drivers\nStatus: install ok installed\nVersion: 25.2.3-1\nDescription: "
            "Mesa\n\n"
            "Package: firmware-amd-graphics\nStatus: deinstall ok config-files\nVersion: 20251111-1\n\n"
            "Package: linux-firmware\nStatus: install ok installed\nVersion: 20260110-1\n\n"
            "Package: other\nStatus: install ok installed\nVersion: 1\n");
  EXPECT_THAT(current_versions(machine.root()),
              UnorderedElementsAre(
                  Pair("kernel", "6.18.6-200.fc43.x86_64"),
                  Pair("cpu", "AMD RYZEN AI MAX+ 395 w/ Radeon 8060S"), Pair("microcode", "0xb700032"),
                  Pair("bios", "1.05"), Pair("rocm", "7.2.0"), Pair("rocr", "1.18.70200"),
                  Pair("vbios card1", "113-STRXLGEN-001"), Pair("gpu firmware card1", "mec 0x00000020"),
                  Pair("mesa", "25.2.3-1"), Pair("linux-firmware", "20260110-1")));
}

TEST(Versions, TheNewestRuntimeCounts) {
  FakeMachine machine = FakeMachine::strix_halo();
  machine.file("/opt/rocm/lib/libhsa-runtime64.so.1.9.1", "");
  EXPECT_EQ(current_versions(machine.root()).at("rocr"), "1.18.70200");
}

TEST(Versions, OfThisMachine) { EXPECT_TRUE(current_versions({}).contains("kernel")); }

}  // namespace
}  // namespace halcyon::devices
