#include "grammar/schema_merge.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include "base/quote.h"

namespace halcyon::grammar {
namespace {

using Json = nlohmann::ordered_json;

const Json* find(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

Json both(const Json& a, const Json& b) { return a == b ? a : Json{{"allOf", Json::array({a, b})}}; }

/// The types of both lists; a whole number is a number.
Json common_types(const Json& a, const Json& b) {
  const auto list = [](const Json& types) { return types.is_array() ? types : Json::array({types}); };
  const auto has = [](const Json& types, const Json& type) {
    return std::ranges::find(types, type) != types.end();
  };
  const Json left = list(a), right = list(b);
  Json out = Json::array();
  for (const Json& type : left)
    if (has(right, type) || (type == "integer" && has(right, "number"))) out.push_back(type);
  if (has(right, "integer") && has(left, "number") && !has(out, "integer")) out.push_back("integer");
  return out;
}

Json common_values(const Json& a, const Json& b) {
  std::set<std::string> right;
  for (const Json& value : b) right.insert(value.dump());
  Json out = Json::array();
  for (const Json& value : a)
    if (right.contains(value.dump())) out.push_back(value);
  return out;
}

Json all_names(const Json& a, const Json& b) {
  std::set<std::string> known(a.begin(), a.end());
  Json out = a;
  for (const Json& name : b)
    if (known.insert(name.get<std::string>()).second) out.push_back(name);
  return out;
}

/// The property of one schema that the other one does not name, narrowed by what that says of further ones.
Json narrowed(const Json& property, const Json* additional) {
  return additional && *additional != true ? both(property, *additional) : property;
}

/// Each property is narrowed by what the other schema says of it, by name or as a further one.
void merge_properties(Json& schema, const Json& other) {
  const Json none = Json::object();
  const Json* left_named = find(schema, "properties");
  const Json* right_named = find(other, "properties");
  const Json* left_further = find(schema, "additionalProperties");
  const Json* right_further = find(other, "additionalProperties");
  if (left_named || right_named) {
    const Json& left = left_named ? *left_named : none;
    const Json& right = right_named ? *right_named : none;
    std::unordered_map<std::string_view, const Json*> left_over;
    for (const auto& [name, property] : right.items()) left_over.emplace(name, &property);
    Json::object_t out;
    for (const auto& [name, property] : left.items()) {
      const auto match = left_over.find(name);
      out.push_back({name, match == left_over.end() ? narrowed(property, right_further)
                                                    : both(property, *match->second)});
      if (match != left_over.end()) left_over.erase(match);
    }
    for (const auto& [name, property] : right.items())
      if (left_over.contains(name)) out.push_back({name, narrowed(property, left_further)});
    Json further = left_further && right_further ? both(*left_further, *right_further)
                   : left_further                ? *left_further
                   : right_further               ? *right_further
                                                 : Json();
    schema["properties"] = std::move(out);
    if (!further.is_null()) schema["additionalProperties"] = std::move(further);
  } else if (right_further) {
    schema["additionalProperties"] = left_further ? both(*left_further, *right_further) : *right_further;
  }
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Result<void> merge_into(Json& schema, const Json& other, const std::string& path) {
  if (schema.empty() || other.empty()) {
    if (schema.empty()) schema = other;
    return {};
  }
  const auto has_elements = [](const Json& one) {
    return one.contains("prefixItems") || one.contains("items");
  };
  const bool has_tuple = has_elements(schema) && has_elements(other) &&
                         (schema.contains("prefixItems") || other.contains("prefixItems"));
  merge_properties(schema, other);
  for (const auto& [name, value] : other.items()) {
    if (is_one_of(name, {"properties", "additionalProperties"})) continue;
    const bool belongs_to_tuple = has_tuple && is_one_of(name, {"items", "prefixItems"});
    const auto known = schema.find(name);
    if (known == schema.end() && !belongs_to_tuple) {
      schema[name] = value;
    } else if (known != schema.end() && *known == value) {
      continue;
    } else if (is_one_of(name, {"minimum", "exclusiveMinimum", "minLength", "minItems"})) {
      *known = std::max(*known, value);
    } else if (is_one_of(name, {"maximum", "exclusiveMaximum", "maxLength", "maxItems"})) {
      *known = std::min(*known, value);
    } else if (name == "type") {
      *known = common_types(*known, value);
    } else if (name == "enum") {
      *known = common_values(*known, value);
    } else if (name == "required") {
      *known = all_names(*known, value);
    } else if (name == "items" && !has_tuple) {
      *known = both(*known, value);
    } else {
      return fail("{}: {} of several schemas that all apply is not supported", path, quote(name));
    }
  }
  return {};
}

}  // namespace halcyon::grammar
