// RAPL: the energy counters of processors in /sys/class/powercap.
#include "energy/rapl.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/energy/fake_machine.h"

namespace halcyon::energy {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Rapl : public testing::Test {
 protected:
  Sensors open(bool parts = false) { return open_rapl(machine_.root(), parts, hints_); }

  static double joules(Sensor& sensor) {
    const Result<Sample> sample = sensor.sample();
    EXPECT_TRUE(sample) << sample.error().message;
    return sample ? sample->value : -1;
  }

  FakeMachine machine_;
  Hints hints_;
};

TEST_F(Rapl, CountsJoulesOfAPackage) {
  machine_.add_rapl("intel-rapl:0", "package-0", 5'000'000);
  const Sensors sensors = open();
  ASSERT_EQ(sensors.size(), 1u);
  const SensorInfo& info = sensors[0]->info();
  EXPECT_EQ(info.domain, Domain::package);
  EXPECT_EQ(info.name, "package-0");
  EXPECT_EQ(info.source, "RAPL package-0 (intel-rapl:0)");
  EXPECT_TRUE(info.measured);
  EXPECT_DOUBLE_EQ(joules(*sensors[0]), 0);
  machine_.set_rapl("intel-rapl:0", 7'500'001);
  EXPECT_DOUBLE_EQ(joules(*sensors[0]), 2.500001);
  EXPECT_DOUBLE_EQ(joules(*sensors[0]), 2.500001);
  EXPECT_THAT(hints_, IsEmpty());
}

TEST_F(Rapl, FindsAllPackagesTheirMemoryAndTheBoard) {
  machine_.add_rapl("intel-rapl:0", "package-0");
  machine_.add_rapl("intel-rapl:0:0", "core");
  machine_.add_rapl("intel-rapl:0:1", "uncore");
  machine_.add_rapl("intel-rapl:0:2", "dram");
  machine_.add_rapl("intel-rapl:1", "psys");
  machine_.add_rapl("intel-rapl:2", "package-1");
  machine_.add_rapl("intel-rapl:2:0", "dram");
  EXPECT_THAT(names_of(open()), ElementsAre("package-0", "dram-0", "board", "package-1", "dram-1"));
  EXPECT_THAT(names_of(open(/*parts=*/true)),
              ElementsAre("package-0", "core-0", "uncore-0", "dram-0", "board", "package-1", "dram-1"));
}

TEST_F(Rapl, DoesNotCountAPackageTwice) {
  machine_.add_rapl("intel-rapl:0", "package-0");
  machine_.add_rapl("intel-rapl-mmio:0", "package-0");
  machine_.write(FakeMachine::rapl("intel-rapl") + "/enabled", "1");  // the control type itself
  EXPECT_THAT(names_of(open()), ElementsAre("package-0"));
}

TEST_F(Rapl, LeavesOutWhatItDoesNotKnow) {
  machine_.add_rapl("intel-rapl:0", "package-0\x1b[2J");
  machine_.add_rapl("intel-rapl:1", "psys", 0);  // not wired up
  machine_.add_rapl("intel-rapl:1:0", "dram");   // of no package
  EXPECT_THAT(open(), IsEmpty());
}

TEST_F(Rapl, WrapAroundIsExact) {
  // The hardware counts 2³² units of 61.035 µJ; after the largest value, one unit more, it shows 0.
  machine_.add_rapl("intel-rapl:0", "package-0", FakeMachine::kRange - 1'000'000);
  const Sensors sensors = open();
  machine_.set_rapl("intel-rapl:0", 2'000'000);
  EXPECT_NEAR(joules(*sensors[0]), 3.000061, 1e-6);
  machine_.set_rapl("intel-rapl:0", 1'000'000);
  EXPECT_NEAR(joules(*sensors[0]), 3.000061 + 262143.328911 - 1, 1e-6);
}

TEST_F(Rapl, ACounterThatFallsWithoutARangeStandsStill) {
  machine_.add_rapl("intel-rapl:0", "package-0", 9'000'000, 0);
  const Sensors sensors = open();
  machine_.set_rapl("intel-rapl:0", 1'000'000);
  EXPECT_EQ(joules(*sensors[0]), 0);
  machine_.set_rapl("intel-rapl:0", 2'000'000);
  EXPECT_EQ(joules(*sensors[0]), 1);
}

TEST_F(Rapl, AnUnreadableCounterIsAHintOnce) {
  for (const char* zone : {"intel-rapl:0", "intel-rapl:1"}) {
    machine_.add_rapl(zone, "package-0");
    machine_.remove(FakeMachine::rapl(zone) + "/energy_uj");
    std::filesystem::create_directory(machine_.at(FakeMachine::rapl(zone) + "/energy_uj"));
  }
  EXPECT_THAT(open(), IsEmpty());
  EXPECT_THAT(hints_, ElementsAre(AllOf(HasSubstr("intel-rapl:0/energy_uj: Is a directory"),
                                        HasSubstr("containers"))));
}

TEST_F(Rapl, ForWhomIsNotRootAHintSaysWhatToDo) {
  machine_.add_rapl("intel-rapl:0", "package-0");
  const std::filesystem::path counter = machine_.at(FakeMachine::rapl("intel-rapl:0") + "/energy_uj");
  std::filesystem::permissions(machine_.at("/"), std::filesystem::perms(0755));
  std::filesystem::permissions(counter, std::filesystem::perms(::geteuid() == 0 ? 0400 : 0));
  constexpr uid_t kNobody = 65534;
  const bool was_root = ::geteuid() == 0;
  if (was_root && ::seteuid(kNobody) != 0) GTEST_SKIP() << "cannot become a user who is not root";
  const Sensors sensors = open();
  if (was_root) ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(sensors, IsEmpty());
  EXPECT_THAT(hints_,
              ElementsAre(AllOf(HasSubstr("only root may read /sys/class/powercap/intel-rapl:0/energy_uj"),
                                HasSubstr("sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"))));
}

TEST_F(Rapl, AFailureIsAnErrorThatMayPass) {
  machine_.add_rapl("intel-rapl:0", "package-0", 1'000'000);
  const Sensors sensors = open();
  machine_.remove(FakeMachine::rapl("intel-rapl:0"));
  EXPECT_ERROR(sensors[0]->sample(), HasSubstr("No such file"));
  machine_.write(FakeMachine::rapl("intel-rapl:0") + "/energy_uj", "garbage");
  EXPECT_ERROR(sensors[0]->sample(), HasSubstr("is not a number"));
  machine_.set_rapl("intel-rapl:0", 4'000'000);
  EXPECT_EQ(joules(*sensors[0]), 3);
}

}  // namespace
}  // namespace halcyon::energy
