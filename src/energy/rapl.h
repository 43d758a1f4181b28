// Running average power limit (RAPL): energy counters of Intel's and AMD's processors, from Linux's powercap
// (Documentation/power/powercap/powercap.rst in the kernel's sources).
#pragma once

#include "energy/sensor.h"

namespace halcyon::energy {

/// The zones intel-rapl:N (packages, psys) and intel-rapl:N:M (dram, and with `parts` core and uncore), which
/// AMD's have the name of too. Those of intel-rapl-mmio show the same packages again and are left out, and so
/// is a psys that shows 0, as of boards without its wiring.
///
/// A counter begins again at 0 after max_energy_range_uj (262 kJ or 65 kJ). Since then one wrap-around is
/// exact; of several between two samples only one is seen (Meter handles that).
Sensors open_rapl(const SystemRoot& root, bool parts, Hints& hints);

}  // namespace halcyon::energy
