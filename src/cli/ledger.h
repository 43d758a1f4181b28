// The accounts of energy of a command that runs models.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "energy/ledger.h"
#include "energy/sensor.h"

namespace halcyon::cli {

/// What energy is estimated from where it can't be measured; energy::SensorOptions has the defaults.
struct PowerConstants {
  std::optional<double> watts_per_core, gpu_watts;  ///< of an active core, of a busy GPU
};

void use(const PowerConstants& constants, energy::SensorOptions& options);

/// Declares --watts-per-core and --gpu-watts, and reads the variables that stand for them.
void add_power_constants(CLI::App& command, PowerConstants& constants);

/// Opens the machine's meter, with the constants of what can only be estimated, and the baseline that
/// `halcyon power --baseline` stored. Adds what could not be used to `hints`.
std::shared_ptr<energy::Ledger> open_ledger(const PowerConstants& constants, energy::Hints& hints);

}  // namespace halcyon::cli
