// Diagnostics for whoever runs Halcyon: spdlog to standard error, level from HALCYON_LOG (default: warn).
#pragma once

#include <spdlog/spdlog.h>

namespace halcyon {

/// Sends all log lines to standard error and sets the level. Call once, at the start of main.
void init_logging();

}  // namespace halcyon
