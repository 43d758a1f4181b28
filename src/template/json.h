// JSON in and out: contexts come as JSON, and `tojson` writes what Python's json.dumps writes.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "template/runtime.h"
#include "template/value.h"

namespace halcyon::jinja {

struct JsonStyle {
  bool ascii_only = false;  ///< other characters as \uXXXX
  bool sort_keys = false;
  std::optional<std::string> indent = std::nullopt;  ///< per level; none: all in one line
  std::string item_separator = ", ", key_separator = ": ";
};

Result<std::string> to_json(Runtime& rt, const Value& value, const JsonStyle& style);

/// The value of a document. Its text is not copied: the document must live as long as the render.
Result<Value> from_json(Runtime& rt, const nlohmann::ordered_json& json, int depth = 0);

}  // namespace halcyon::jinja
