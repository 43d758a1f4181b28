// Diagnostics for whoever runs Halcyon: spdlog to standard error, level from HALCYON_LOG (default: warn).
#pragma once

#include <spdlog/spdlog.h>

#include "base/result.h"

namespace halcyon {

/// Sends all log lines to standard error and sets the level; an error if HALCYON_LOG has none. Call once,
/// before the first line.
Result<void> init_logging();

/// For commands that run for long: also says what they do, unless HALCYON_LOG has another level.
void log_what_is_done();

}  // namespace halcyon
