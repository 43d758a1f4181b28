// Times and sizes as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halcyon {

/// "500ms", "1.5s", "1h30m", "2d", or seconds without a unit; at most 366 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "1h30m", "500ms", "0s"
std::string format_duration(std::chrono::milliseconds time);

/// "32M", "1G" (powers of 1024), or bytes.
std::optional<int64_t> parse_bytes(std::string_view text);
std::string format_bytes(uint64_t bytes);

}  // namespace halcyon
