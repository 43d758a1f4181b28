// NVIDIA's GPUs, with libraries that stand in for NVML (fake_nvml.cpp).
#include "energy/nvml.h"

#include <gmock/gmock.h>

#include "tests/energy/fake_machine.h"

namespace halcyon::energy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Nvml : public testing::Test {
 protected:
  /// The variant of the library that is called so.
  Sensors open(const std::string& variant) {
    return open_nvml(fmt::format("{}/lib{}.so", FAKE_NVML_DIR, variant), hints_);
  }
  Hints hints_;
};

TEST_F(Nvml, AbsentIsNothingToSay) {
  EXPECT_THAT(open("no_such_library"), IsEmpty());
  EXPECT_THAT(open_nvml("", hints_), IsEmpty());
  EXPECT_THAT(hints_, IsEmpty());
}

TEST_F(Nvml, PrefersTheEnergyCounter) {
  const Sensors sensors = open("fake_nvml");
  ASSERT_THAT(names_of(sensors), ElementsAre("nvidia-0", "nvidia-1"));
  EXPECT_EQ(sensors[1]->info().domain, Domain::gpu);
  EXPECT_EQ(sensors[1]->info().source, "NVML GPU 1 energy counter");
  ASSERT_OK_AND_ASSIGN(const Sample first, sensors[0]->sample());
  ASSERT_OK_AND_ASSIGN(const Sample second, sensors[0]->sample());
  EXPECT_EQ(first.kind, Sample::Kind::joules);
  EXPECT_DOUBLE_EQ(second.value - first.value, 1.5);
  EXPECT_THAT(hints_, IsEmpty());
}

TEST_F(Nvml, TakesThePowerWithoutACounter) {
  const Sensors sensors = open("fake_nvml_without_counter");
  ASSERT_EQ(sensors.size(), 2u);
  EXPECT_EQ(sensors[0]->info().source, "NVML GPU 0 power");
  ASSERT_OK_AND_ASSIGN(const Sample sample, sensors[0]->sample());
  EXPECT_EQ(sample.kind, Sample::Kind::watts);
  EXPECT_DOUBLE_EQ(sample.value, 70.25);
}

TEST_F(Nvml, ADriverThatIsNotLoadedIsAHint) {
  EXPECT_THAT(open("fake_nvml_broken"), IsEmpty());
  EXPECT_THAT(hints_, ElementsAre(AllOf(HasSubstr("libfake_nvml_broken.so: cannot be initialised"),
                                        HasSubstr("NVML error 9, \"Driver Not Loaded\""))));
}

TEST_F(Nvml, ALibraryWithoutItsFunctionsIsAHint) {
  EXPECT_THAT(open("fake_nvml_without_init"), IsEmpty());
  EXPECT_THAT(hints_, ElementsAre(HasSubstr("update the driver")));
}

TEST_F(Nvml, AGpuWithoutAnySensorIsAHint) {
  EXPECT_THAT(open("fake_nvml_without_both"), IsEmpty());
  EXPECT_THAT(hints_, ElementsAre(HasSubstr("nvidia-0: its power can't be read: NVML error 3"),
                                  HasSubstr("nvidia-1: ")));
}

TEST_F(Nvml, AGpuThatIsLostLeavesTheOthers) {
  EXPECT_THAT(names_of(open("fake_nvml_lost")), ElementsAre("nvidia-0"));
  EXPECT_THAT(hints_, ElementsAre(HasSubstr("nvidia-1: its power can't be read: NVML error 15")));
}

}  // namespace
}  // namespace halcyon::energy
