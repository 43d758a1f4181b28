// NVIDIA's GPUs, through its management library (NVML), which comes with the driver and is loaded at run
// time.
#pragma once

#include "energy/sensor.h"

namespace halcyon::energy {

/// A sensor for each GPU: its energy counter (Volta and later), else its power. Without the library there is
/// nothing to say; if it is there but does not work, a hint has its reason. While a sensor is open the driver
/// stays loaded, and a notebook's GPU can't be switched off (NVML API Reference Guide, nvmlInit).
Sensors open_nvml(const std::string& library, Hints& hints);

}  // namespace halcyon::energy
