// How fast the processors read memory: what bounds how fast they generate.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace halcyon::devices {

struct Bandwidth {
  double bytes_per_second = 0;    ///< the median of `runs`
  std::vector<double> runs = {};  ///< bytes per second
  int threads = 0;
  uint64_t bytes = 0;  ///< read in each run
};

/// Reads a buffer of more than `last_level_cache` bytes by all cores at once, several times over: takes about
/// a second. Fails if there is not the memory for it.
Result<Bandwidth> measure_read_bandwidth(uint64_t last_level_cache);

}  // namespace halcyon::devices
