// The options of the sampler on the command line, named as in llama.cpp.
#pragma once

#include <CLI/CLI.hpp>

#include "engine/sampler.h"

namespace halcyon::cli {

void add_sampling_options(CLI::App& command, engine::SamplingParams& params);

}  // namespace halcyon::cli
