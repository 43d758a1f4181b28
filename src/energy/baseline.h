// The power of the idle machine, measured once (`halcyon power --baseline`) and kept for all programs:
// $XDG_DATA_HOME/halcyon/baseline.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "energy/meter.h"

namespace halcyon::energy {

struct Baseline {
  std::string host, cpu;    ///< of the machine it was measured on
  std::string source;       ///< the sensors: Meter::measured_source()
  double watts = 0;         ///< their sum
  double seconds = 0;       ///< how long that was measured
  std::string measured_at;  ///< RFC 3339, UTC
};

/// Stores `watts`, measured with `meter` on this machine until now over `seconds`; below `root`, which is not
/// / in tests. Returns the file.
Result<std::filesystem::path> save_baseline(const Meter& meter, double watts, double seconds,
                                            const SystemRoot& root = {});

/// What is stored; nothing if that is nothing. Fails if it can't be read.
Result<std::optional<Baseline>> read_baseline();

/// The stored watts if they are for this machine and for what `meter` bills now. If not a hint says why.
std::optional<double> load_baseline(const Meter& meter, Hints& hints);

}  // namespace halcyon::energy
