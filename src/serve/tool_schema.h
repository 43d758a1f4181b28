// The JSON schema of a tool call, to hold a model to it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace halcyon::serve {

/// The names of a request's tools. `tools` is as OpenAI has it, [{"type": "function", "function": {"name": …,
/// "parameters": schema}}, …]; fails if it is not.
Result<std::vector<std::string>> tool_names(const nlohmann::ordered_json& tools);

/// The schema of {"name": …, "arguments": {…}} for one of the tools, or for the one named `forced`.
/// References within a tool's schema ("#/$defs/…") are made to point to where it is now. Fails if `tools` is
/// not what tool_names() takes, is empty, or has no tool `forced`.
Result<nlohmann::ordered_json> call_schema(const nlohmann::ordered_json& tools,
                                           std::optional<std::string_view> forced = {});

}  // namespace halcyon::serve
