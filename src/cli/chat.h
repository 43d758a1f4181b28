// A conversation on the terminal.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/engine.h"

namespace halcyon::cli {

/// Answers line by line, from the terminal or a pipe, until the input ends. `base` says how; its prompt is
/// not used. On a terminal whatever goes wrong is said there, and the conversation goes on.
Result<void> chat(engine::Engine& engine, const engine::Request& base, const std::string& system, bool quiet);

}  // namespace halcyon::cli
