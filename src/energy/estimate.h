// The energy of the processor where nothing measures it: CPU-seconds × watts of an active core.
#pragma once

#include "energy/sensor.h"

namespace halcyon::energy {

/// Counts the CPU time of `cpu`. A program that is idle takes nothing by this estimate.
std::unique_ptr<Sensor> open_cpu_estimate(CpuClock cpu, double watts_per_core);

}  // namespace halcyon::energy
