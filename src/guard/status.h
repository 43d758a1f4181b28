// What a guard says of itself.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "guard/machine.h"

namespace halcyon::guard {

class Guard;

/// /guard/status. The members of the first server at the top, and with several all of them under "servers".
nlohmann::ordered_json status_json(const Guard& guard, Time now);

/// /guard/metrics, in Prometheus' text format.
std::string metrics_text(const Guard& guard, Time now);

/// /v1/models of all servers.
nlohmann::ordered_json models_json(const Guard& guard);

}  // namespace halcyon::guard
