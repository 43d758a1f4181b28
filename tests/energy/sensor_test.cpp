// Which sensors a machine has, and what is said of those it has not.
#include "energy/sensor.h"

#include <gmock/gmock.h>

#include <chrono>

#include "tests/energy/fake_machine.h"

namespace halcyon::energy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Sensors, OfAMachineWithoutAnyAreTheEstimate) {
  const FakeMachine machine;
  Hints hints;
  const Sensors sensors = machine.open(hints);
  ASSERT_THAT(names_of(sensors), ElementsAre("cpu"));
  const SensorInfo& info = sensors[0]->info();
  EXPECT_EQ(info.domain, Domain::cpu_estimate);
  EXPECT_FALSE(info.measured);
  EXPECT_EQ(info.source,
            "estimated: CPU time of this process × 4 W per active core (--watts-per-core, "
            "HALCYON_WATTS_PER_CORE)");
  EXPECT_THAT(hints, ElementsAre(HasSubstr("no power sensor was found")));
}

TEST(Sensors, OfAServerWithCards) {
  const FakeMachine machine;
  machine.add_rapl("intel-rapl:0", "package-0");
  machine.add_rapl("intel-rapl:0:0", "dram");
  machine.add_amdgpu(0, 2, "power1_average", 1'000'000);
  Hints hints;
  EXPECT_THAT(names_of(machine.open(hints, FAKE_NVML_DIR "/libfake_nvml.so")),
              ElementsAre("package-0", "dram-0", "gpu-0", "nvidia-0", "nvidia-1", "cpu"));
  EXPECT_THAT(hints, IsEmpty());
}

TEST(Sensors, OfWslAreMissingForAReason) {
  for (const char* release : {"5.15.167.4-microsoft-standard-WSL2\n", "4.4.0-19041-Microsoft\n"}) {
    const FakeMachine machine;
    machine.write("/proc/sys/kernel/osrelease", release);
    Hints hints;
    EXPECT_THAT(names_of(machine.open(hints)), ElementsAre("cpu"));
    EXPECT_THAT(hints, ElementsAre(HasSubstr("WSL shows neither RAPL nor hwmon")));
  }
}

TEST(Estimate, IsCpuTimeTimesPower) {
  double seconds = 10;
  SensorOptions options;
  options.root = SystemRoot("/nonexistent");
  options.nvml_library.clear();
  options.watts_per_core = 5.5;
  options.cpu = {.of = "process 1234", .seconds = [&seconds] { return seconds; }};
  Hints hints;
  const ::halcyon::energy::Sensors sensors = open_sensors(options, hints);
  ASSERT_EQ(sensors.size(), 1u);
  EXPECT_THAT(sensors[0]->info().source, HasSubstr("CPU time of process 1234 × 5.5 W"));
  ASSERT_OK_AND_ASSIGN(const Sample before, sensors[0]->sample());
  seconds += 2;
  ASSERT_OK_AND_ASSIGN(const Sample after, sensors[0]->sample());
  EXPECT_DOUBLE_EQ(after.value - before.value, 11);
}

TEST(Estimate, KnowsTheTimeOfThisProcess) {
  const CpuClock clock = process_cpu_clock();
  const double before = clock.seconds();
  const auto wall = std::chrono::steady_clock::now();
  while (clock.seconds() - before < 0.02)
    ASSERT_LT(std::chrono::steady_clock::now() - wall, std::chrono::minutes(1));
  EXPECT_LE(clock.seconds() - before,
            std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count() + 0.01);
}

TEST(Estimate, KnowsTheTimeOfTheWholeMachine) {
  const FakeMachine machine;
  //                                user nice system idle iowait irq softirq steal guest
  machine.write("/proc/stat", "cpu  1000 200 300 99999 8888 40 5 777 66\ncpu0 1 1 1 1 1 1 1 1 1\n");
  EXPECT_DOUBLE_EQ(machine_cpu_clock(machine.root()).seconds(), 15.45);
  for (const char* wrong : {"", "cpu", "cpu  12 x", "intr 5"}) {
    machine.write("/proc/stat", wrong);
    EXPECT_LE(machine_cpu_clock(machine.root()).seconds(), 0.12) << wrong;
  }
  EXPECT_GT(machine_cpu_clock().seconds(), 0);
}

}  // namespace
}  // namespace halcyon::energy
