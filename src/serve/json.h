// JSON of requests and answers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace halcyon::serve {

using Json = nlohmann::ordered_json;

/// Parses a request's body. Fails with what is wrong and where; nesting deeper than 64 is refused, so that
/// nothing that goes over the value later can run out of stack.
Result<Json> parse_json(std::string_view text);

/// Compact text. Never fails: bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& json);

}  // namespace halcyon::serve
