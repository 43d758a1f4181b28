// GPUs in /sys/class/drm: amdgpu's power sensor, or how busy a GPU is.
#include "energy/drm.h"

#include <gmock/gmock.h>

#include "tests/energy/fake_machine.h"

namespace halcyon::energy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Drm : public testing::Test {
 protected:
  Sensors open(bool has_package = false) { return open_drm(machine_.root(), 40, has_package, hints_); }

  static double watts(Sensor& sensor) {
    const Result<Sample> sample = sensor.sample();
    EXPECT_TRUE(sample) << sample.error().message;
    return sample ? sample->value : -1;
  }

  FakeMachine machine_;
  Hints hints_;
};

TEST_F(Drm, ACardShowsItsAveragePower) {
  machine_.add_amdgpu(1, 3, "power1_average", 31'500'000);
  machine_.write(FakeMachine::hwmon(1, 3) + "/power1_input", "99000000");
  machine_.write("/sys/class/drm/card1-DP-1/status", "connected");  // a connector
  const Sensors sensors = open();
  ASSERT_THAT(names_of(sensors), ElementsAre("gpu-1"));
  EXPECT_EQ(sensors[0]->info().domain, Domain::gpu);
  EXPECT_EQ(sensors[0]->info().source, "amdgpu card1 power1_average");
  EXPECT_TRUE(sensors[0]->info().measured);
  EXPECT_DOUBLE_EQ(watts(*sensors[0]), 31.5);
  EXPECT_THAT(hints_, IsEmpty());
}

TEST_F(Drm, OrOnlyThePowerOfTheInstant) {
  machine_.add_amdgpu(0, 3, "power1_input", 20'000'000);
  const Sensors sensors = open();
  ASSERT_EQ(sensors.size(), 1u);
  EXPECT_EQ(sensors[0]->info().source, "amdgpu card0 power1_input");
  EXPECT_DOUBLE_EQ(watts(*sensors[0]), 20);
}

TEST_F(Drm, OfAnApuItIsTheWholeChip) {
  machine_.add_amdgpu(1, 3, "power1_average", 55'000'000, /*apu=*/true);
  machine_.write(FakeMachine::device(1) + "/mem_info_vram_total", "103079215104");  // 96 GiB carved out
  const Sensors sensors = open(/*has_package=*/true);
  ASSERT_THAT(names_of(sensors), ElementsAre("soc"));
  EXPECT_EQ(sensors[0]->info().domain, Domain::soc);
  EXPECT_EQ(sensors[0]->info().source, "amdgpu power1_average (SoC)");
}

TEST_F(Drm, AnApuThatTakesNothingIsNotBelieved) {
  machine_.add_amdgpu(0, 3, "power1_average", 1000, /*apu=*/true);
  EXPECT_THAT(open(/*has_package=*/true), IsEmpty());
  machine_.write(FakeMachine::hwmon(0, 3) + "/power1_input", "9000000");
  EXPECT_THAT(names_of(open()), ElementsAre("soc"));
}

TEST_F(Drm, TheNumberOfHwmonMayChange) {
  machine_.add_amdgpu(1, 3, "power1_average", 10'000'000);
  const Sensors sensors = open();
  machine_.remove(FakeMachine::hwmon(1, 3));
  EXPECT_ERROR(sensors[0]->sample(), HasSubstr("power1_average: No such file"));
  machine_.add_amdgpu(1, 7, "power1_average", 12'000'000);
  EXPECT_DOUBLE_EQ(watts(*sensors[0]), 12);
}

TEST_F(Drm, ASuspendedCardIsLeftAsleep) {
  machine_.add_amdgpu(1, 3, "power1_average", 10'000'000);
  machine_.write(FakeMachine::device(1) + "/power/runtime_status", "suspended\n");
  const Sensors sensors = open();
  EXPECT_EQ(watts(*sensors[0]), 0);
  machine_.write(FakeMachine::device(1) + "/power/runtime_status", "active\n");
  EXPECT_EQ(watts(*sensors[0]), 10);
}

TEST_F(Drm, WithoutAPowerSensorABusyGpuIsEstimated) {
  machine_.write(FakeMachine::device(0) + "/gpu_busy_percent", "25\n");
  const Sensors sensors = open(/*has_package=*/true);
  ASSERT_THAT(names_of(sensors), ElementsAre("gpu-0"));
  EXPECT_FALSE(sensors[0]->info().measured);
  EXPECT_EQ(sensors[0]->info().source,
            "estimated: card0 gpu_busy_percent × 40 W (--gpu-watts, HALCYON_GPU_WATTS)");
  EXPECT_DOUBLE_EQ(watts(*sensors[0]), 10);
  EXPECT_THAT(hints_, ElementsAre(HasSubstr("card0 says how busy it is, but not what power it takes: 40 W")));
  machine_.write(FakeMachine::device(0) + "/gpu_busy_percent", "900\n");
  EXPECT_DOUBLE_EQ(watts(*sensors[0]), 40);
}

TEST_F(Drm, ButNotWithinAMeasuredPackage) {
  machine_.add_amdgpu(0, 3, "fan1_input", 0, /*apu=*/true);
  EXPECT_THAT(open(/*has_package=*/true), IsEmpty());
  EXPECT_THAT(names_of(open(/*has_package=*/false)), ElementsAre("gpu-0"));
}

TEST_F(Drm, ACardThatSaysNothingIsLeftOut) {
  machine_.write(FakeMachine::device(0) + "/vendor", "0x10de");
  EXPECT_THAT(open(), IsEmpty());
  EXPECT_THAT(hints_, IsEmpty());
}

}  // namespace
}  // namespace halcyon::energy
