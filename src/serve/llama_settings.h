// llama-server's `generation_settings`.
#pragma once

#include <string>

#include "engine/request.h"
#include "serve/json.h"

namespace halcyon::serve {

struct CompletionSettings {
  engine::Request request;  ///< but for its prompt
  std::string grammar;      ///< as text, if it came in GBNF
  bool stream = false, timings_per_token = false;
};

/// With a default-constructed argument: what holds for requests that say nothing. What can't be switched on
/// here says that it is off.
Json settings_json(const CompletionSettings& settings);

/// llama-server's names of the samplers, in the order in which they act.
Json sampler_names();

/// llama-server's seed that asks for a different one each time.
inline constexpr uint64_t kRandomSeed = 0xFFFFFFFF;

}  // namespace halcyon::serve
