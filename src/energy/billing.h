// Which domains to add up, so that each joule of the machine is counted once.
#pragma once

#include <cstddef>
#include <vector>

#include "energy/sensor.h"

namespace halcyon::energy {

/// Indices of the sensors whose sum is the machine's energy. `usable`: by sensor, whether it can be read now.
///
/// The first of these that there is stands for the processor, with what it includes:
///   1. the board (RAPL psys): everything
///   2. the SoC (an APU's amdgpu): CPU and integrated GPU, so no RAPL package beside it; plus other GPUs
///   3. RAPL packages and their DRAM, which lies outside of the package; plus GPUs
///   4. the battery: everything, the screen too, but it answers slowly; so only if 1 to 3 can't be read
///   5. the estimate from CPU time; plus GPUs, measured or estimated
std::vector<size_t> choose_billed(const std::vector<SensorInfo>& infos, const std::vector<bool>& usable);

}  // namespace halcyon::energy
