// Measures all cases, one after the other, with the machine calibrated around each.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "bench/cases.h"
#include "bench/model_file.h"
#include "bench/result.h"
#include "energy/ledger.h"

namespace halcyon::bench {

struct Plan {
  std::vector<ModelFile> models;
  std::vector<Group> groups;
  int32_t repetitions = 5;
  int32_t n_batch = 256;         ///< tokens of a step, at most; but one for each sequence
  double calibrate_seconds = 1;  ///< that a calibration takes, about
  /// The device of a number of threads and an ISA.
  std::function<Result<std::unique_ptr<backend::Device>>(int32_t threads, const std::string& isa)>
      open_device;
  std::shared_ptr<energy::Ledger> ledger;  ///< prices tokens; nullptr: they have no price

  size_t n_cases() const;
};

/// What can be known in advance: whether the models have the context that each case needs, and the machine
/// the memory.
Result<void> check(const Plan& plan);

struct Observer {
  std::function<void(const std::string&)> progress;            ///< what is being done, on one line
  std::function<Result<void>(const CaseResult&)> have_result;  ///< a failure of it ends the session
};

/// A case is filled to its depth, run once cold, warmed up by one step, and repeated; then it is calibrated
/// again, and if the two calibrations differ by more than kMostDrift measured anew, up to three times in all,
/// of which the steadiest counts. Stopped, it hands over what a case in work has, if it is one repetition,
/// and returns.
Result<void> run(const Plan& plan, const Observer& observer, const std::stop_token& stop);

}  // namespace halcyon::bench
