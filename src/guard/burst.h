// Burst mode: a server lives as long as a batch of requests takes.
#pragma once

#include <stop_token>

#include "guard/batch.h"
#include "guard/guard.h"

namespace halcyon::guard {

struct BurstResult {
  BatchSummary batch;
  double joules = 0;   ///< from the start of the server to its end
  std::string source;  ///< who says so
  bool measured = false;
  double seconds = 0;  ///< likewise
};

/// Starts the server, works off the batch, and stops the server. Fails if the server never becomes ready, is
/// given up after too many crashes, or the files are not usable.
Result<BurstResult> run_burst(GuardOptions guard, BatchOptions batch, energy::SensorOptions sensors,
                              const std::stop_token& stop);

}  // namespace halcyon::guard
