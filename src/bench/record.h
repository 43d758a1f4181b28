// A result as the members of a JSON object; docs/BENCH.md says what each one is.
#pragma once

#include <nlohmann/json.hpp>

#include "bench/model_file.h"
#include "bench/result.h"

namespace halcyon::bench {

/// What does not change from case to case.
struct Machine {
  std::string cpu, kernel;
};
Machine this_machine();

/// llama-bench's members under its names, with its meanings, and then those of our own; all have a single
/// value but for the lists of samples, and all are always there. What is not known is null.
nlohmann::ordered_json to_record(const CaseResult& result, const ModelFile& model, const Machine& machine);

}  // namespace halcyon::bench
