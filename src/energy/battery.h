// The battery, while it is all that feeds the machine.
#pragma once

#include "energy/sensor.h"

namespace halcyon::energy {

/// One sensor for all batteries of the machine (not those of mice and keyboards); none if there are none. Its
/// power is what the discharging ones give: power_now, else current_now × voltage_now
/// (Documentation/power/power_supply_class.rst in the kernel's sources). Fails while none discharges.
Sensors open_battery(const SystemRoot& root);

}  // namespace halcyon::energy
