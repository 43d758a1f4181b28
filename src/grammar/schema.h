// Reads a JSON Schema into the rules of the JSON texts that fulfil it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "grammar/rules.h"

namespace halcyon::grammar {

/// Errors begin with the path in the schema: "$.properties.a: ".
Result<Rules> schema_rules(const nlohmann::ordered_json& schema);

}  // namespace halcyon::grammar
