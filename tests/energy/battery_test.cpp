// The battery, while it is discharging.
#include "energy/battery.h"

#include <gmock/gmock.h>

#include "tests/energy/fake_machine.h"

namespace halcyon::energy {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Battery : public testing::Test {
 protected:
  void set(const std::string& supply, const std::string& file, std::string_view text) {
    machine_.write("/sys/class/power_supply/" + supply + "/" + file, text);
  }
  void add(const std::string& supply, std::string_view status) {
    set(supply, "type", "Battery\n");
    set(supply, "status", status);
  }
  double watts() {
    const Sensors sensors = open_battery(machine_.root());
    EXPECT_EQ(sensors.size(), 1u);
    const Result<Sample> sample = sensors.at(0)->sample();
    EXPECT_TRUE(sample) << sample.error().message;
    return sample ? sample->value : -1;
  }
  FakeMachine machine_;
};

TEST_F(Battery, ShowsItsPower) {
  add("BAT0", "Discharging\n");
  set("BAT0", "power_now", "14250000\n");
  EXPECT_DOUBLE_EQ(watts(), 14.25);
  EXPECT_EQ(open_battery(machine_.root())[0]->info().domain, Domain::battery);
}

TEST_F(Battery, OrCurrentAndVoltage) {
  add("BAT0", "Discharging");
  set("BAT0", "current_now", "-1000000");  // some drivers show what leaves it as negative
  set("BAT0", "voltage_now", "12000000");
  EXPECT_DOUBLE_EQ(watts(), 12);
}

TEST_F(Battery, SaysNothingWhileItIsCharging) {
  add("BAT0", "Charging");
  set("BAT0", "power_now", "30000000");
  const Sensors sensors = open_battery(machine_.root());
  ASSERT_EQ(sensors.size(), 1u);
  EXPECT_ERROR(sensors[0]->sample(), HasSubstr("no battery is discharging"));
  set("BAT0", "status", "Discharging");
  EXPECT_TRUE(sensors[0]->sample()) << "the charger was pulled out";
}

TEST_F(Battery, TwoOfThemAreAddedUp) {
  add("BAT0", "Discharging"), add("BAT1", "Discharging"), add("BAT2", "Not charging");
  for (const char* supply : {"BAT0", "BAT1", "BAT2"}) set(supply, "power_now", "5000000");
  EXPECT_DOUBLE_EQ(watts(), 10);
}

TEST_F(Battery, ThoseOfMiceAndChargersDoNotFeedTheMachine) {
  set("AC", "type", "Mains");
  add("hidpp_battery_0", "Discharging");
  set("hidpp_battery_0", "scope", "Device");
  EXPECT_THAT(open_battery(machine_.root()), IsEmpty());
}

TEST_F(Battery, WithoutFiguresIsAnError) {
  add("BAT0", "Discharging");
  EXPECT_ERROR(open_battery(machine_.root())[0]->sample(), HasSubstr("BAT0/current_now: No such file"));
}

}  // namespace
}  // namespace halcyon::energy
