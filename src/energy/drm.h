// GPUs as the kernel's graphics drivers show them in sysfs: amdgpu's power sensor, or how busy a GPU is.
#pragma once

#include "energy/sensor.h"

namespace halcyon::energy {

/// Of each /sys/class/drm/cardN:
///
/// - amdgpu's hwmon: power1_average (a mean of about a second), else power1_input (now). Of an APU that is
/// the
///   whole SoC with its CPU cores, not the wall; of a card, the card. An APU is told by its second voltage,
///   vddnb, which amdgpu shows for these alone (not for MI300A, which so counts as a card); the size of the
///   VRAM says nothing, since firmware may carve out most of the memory. A SoC that says it takes less than
///   0.1 W does not measure itself, and is not believed.
/// - else gpu_busy_percent × `gpu_watts`, an estimate. None for an APU if `has_package`: its GPU is part of
/// the
///   package, whose energy is measured.
///
/// A card that is suspended counts as 0 W and is not read, which would wake it up.
Sensors open_drm(const SystemRoot& root, double gpu_watts, bool has_package, Hints& hints);

}  // namespace halcyon::energy
