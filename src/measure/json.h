// JSON of a server that nobody vouches for: what is looked for is there and of the right type, or it is not.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace halcyon::measure {

using Json = nlohmann::json;

/// Parses a whole text. The error shows its beginning.
Result<Json> parse_json(std::string_view text);

/// The value at a path such as "/usage/prompt_tokens" or "/data/0/id"; null if there is none.
const Json* find(const Json& json, const char* path);

std::optional<std::string> string_at(const Json& json, const char* path);
std::optional<double> number_at(const Json& json, const char* path);  ///< finite and not negative
std::optional<int> count_at(const Json& json, const char* path);      ///< a whole number from 0 to 10^9
/// The message of an error in one of the dialects' forms, `{"error": {"message": …}}` or `{"error": …}`.
std::optional<std::string> error_in(const Json& json);

/// Compact text. Never fails: bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& json);

}  // namespace halcyon::measure
