// Times and durations as Ollama writes them.
#pragma once

#include <cstdint>
#include <string>

#include "serve/json.h"
#include "serve/model_store.h"

namespace halcyon::serve {

/// A time in UTC by RFC 3339: "2025-01-31T12:00:00.000000000Z". `seconds` since 1970; years outside 1970 to
/// 9999 become the nearest there is.
std::string rfc3339(int64_t seconds, int64_t nanoseconds = 0);

/// The time now.
std::string rfc3339_now();

/// A time `from_now`, in the future or the past.
std::string rfc3339_in(std::chrono::nanoseconds from_now);

/// A "keep_alive": a number of seconds, or a duration as Go writes it, such as "5m", "1h30m" or "1.5s".
/// Negative: for ever.
Result<ModelStore::KeepAlive> parse_keep_alive(const Json& value);

}  // namespace halcyon::serve
