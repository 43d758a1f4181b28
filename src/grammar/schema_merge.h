// One schema for two that both have to be fulfilled.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace halcyon::grammar {

/// Narrows `schema` by `other`; both as SchemaSource::flatten makes them. Properties, items and the like
/// become schemas with allOf. Fails, with `path`, for keywords whose both is no schema that is supported.
Result<void> merge_into(nlohmann::ordered_json& schema, const nlohmann::ordered_json& other,
                        const std::string& path);

}  // namespace halcyon::grammar
