#include "grammar/schema_source.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "base/quote.h"
#include "grammar/limits.h"
#include "grammar/schema_merge.h"

namespace halcyon::grammar {
namespace {

enum class Shape { schema, schemas, named_schemas, count, number, text, texts, types, list, any };

struct Keyword {
  std::string_view name;
  Shape shape;
};

constexpr Keyword kKeywords[] = {
    {"$ref", Shape::text},
    {"additionalProperties", Shape::schema},
    {"allOf", Shape::schemas},
    {"anyOf", Shape::schemas},
    {"const", Shape::any},
    {"enum", Shape::list},
    {"exclusiveMaximum", Shape::number},
    {"exclusiveMinimum", Shape::number},
    {"format", Shape::text},
    {"items", Shape::schema},
    {"maxItems", Shape::count},
    {"maxLength", Shape::count},
    {"maximum", Shape::number},
    {"minItems", Shape::count},
    {"minLength", Shape::count},
    {"minimum", Shape::number},
    {"oneOf", Shape::schemas},
    {"pattern", Shape::text},
    {"prefixItems", Shape::schemas},
    {"properties", Shape::named_schemas},
    {"required", Shape::texts},
    {"type", Shape::types},
};

constexpr std::string_view kAnnotations[] = {
    "$anchor",          "$comment", "$defs",       "$id",        "$schema",     "contentEncoding",
    "contentMediaType", "default",  "definitions", "deprecated", "description", "examples",
    "readOnly",         "strict",   "title",       "writeOnly",
};

constexpr std::string_view kFormats[] = {"date", "date-time", "time", "uuid"};

constexpr std::string_view kTypes[] = {"array", "boolean", "integer", "null", "number", "object", "string"};

bool is_one_of(std::span<const std::string_view> names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

bool all(const Json& list, bool (*is_right)(const Json&)) {
  return list.is_array() && std::ranges::all_of(list, is_right);
}

bool is_schema(const Json& value) { return value.is_boolean() || value.is_object(); }
bool is_string(const Json& value) { return value.is_string(); }
bool is_type(const Json& value) {
  return value.is_string() && is_one_of(kTypes, value.get_ref<const std::string&>());
}

/// What the value should have been; empty if it is.
std::string_view missing(Shape shape, const Json& value) {
  switch (shape) {
    case Shape::schema:
      return is_schema(value) ? "" : "a schema (an object, true or false)";
    case Shape::schemas:
      return all(value, is_schema) && !value.empty() ? "" : "a list of schemas that is not empty";
    case Shape::named_schemas:
      return value.is_object() && std::ranges::all_of(value, is_schema) ? "" : "an object of schemas";
    case Shape::count:
      return value.is_number_unsigned() || (value.is_number_integer() && value >= 0)
                 ? ""
                 : "a whole number from 0";
    case Shape::number:
      return value.is_number() ? "" : "a number";
    case Shape::text:
      return value.is_string() ? "" : "a string";
    case Shape::texts:
      return all(value, is_string) ? "" : "a list of strings";
    case Shape::types:
      return is_type(value) || (all(value, is_type) && !value.empty())
                 ? ""
                 : "array, boolean, integer, null, number, object, string or a list of these";
    case Shape::list:
      return value.is_array() ? "" : "a list";
    case Shape::any:
      break;
  }
  return "";
}

/// Whether the keyword says anything about texts. Fails if it is not known.
Result<bool> has_effect(const std::string& name, const Json& value, const std::string& path) {
  if (is_one_of(kAnnotations, name) || name.starts_with("x-")) return false;
  const auto keyword = std::ranges::find(kKeywords, std::string_view(name), &Keyword::name);
  if (keyword == std::end(kKeywords)) return fail("{}: {} is not supported", path, quote(name));
  if (const std::string_view expected = missing(keyword->shape, value); !expected.empty())
    return fail("{}: expected {}, found {}", path_to(path, name), expected, value.type_name());
  return name != "format" || is_one_of(kFormats, value.get_ref<const std::string&>());
}

/// A step of a JSON pointer (RFC 6901) into `at`; nullptr if there is nothing.
const Json* child(const Json& at, std::string_view token) {
  if (at.is_array()) {
    size_t index = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
    return error == std::errc() && end == token.data() + token.size() && index < at.size() ? &at[index]
                                                                                           : nullptr;
  }
  std::string name;
  for (size_t i = 0; i < token.size(); ++i) {
    const bool is_escape = token[i] == '~' && i + 1 < token.size();
    name += !is_escape ? token[i] : token[++i] == '1' ? '/' : '~';
  }
  const auto found = at.find(name);
  return at.is_object() && found != at.end() ? &*found : nullptr;
}

}  // namespace

std::string path_to(const std::string& path, std::string_view name) {
  const bool is_plain = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || c == '-';
  });
  return is_plain ? fmt::format("{}.{}", path, name) : fmt::format("{}[{}]", path, quote(name, 64));
}

std::string path_to(const std::string& path, std::string_view keyword, size_t index) {
  return fmt::format("{}.{}[{}]", path, keyword, index);
}

Result<void> SchemaSource::check_size() const {
  std::vector<std::pair<const Json*, int>> open{{&root_, 0}};
  while (!open.empty()) {
    const auto [at, depth] = open.back();
    open.pop_back();
    if (depth > limits::nesting) return fail("$: the schema is nested more than {} deep", limits::nesting);
    if (at->is_structured())
      for (const Json& inside : *at) open.emplace_back(&inside, depth + 1);
  }
  if (const size_t size = root_.dump().size(); size > limits::source_bytes)
    return fail("$: the schema has {} bytes, at most {} are allowed", size, limits::source_bytes);
  return {};
}

Result<std::string> SchemaSource::text(const Json& schema, const std::string& path, int depth) {
  if (depth > limits::schema_depth)
    return fail("{}: schemas lead into each other more than {} deep", path, limits::schema_depth);
  std::string text = schema.dump();
  work_ += text.size() + path.size();
  if (work_ > limits::schema_work) return fail("{}: the schema is too large with all its references", path);
  return text;
}

Result<Json> SchemaSource::flatten(const Json& schema, const std::string& path, int depth) {
  CHECK_OK(text(schema, path, depth));
  if (schema.is_boolean()) return schema.get<bool>() ? Json::object() : Json{{"enum", Json::array()}};
  if (!schema.is_object())
    return fail("{}: expected a schema (an object, true or false), found {}", path, schema.type_name());
  Json out = Json::object();
  for (const auto& [name, value] : schema.items()) {
    TRY(const bool counts, has_effect(name, value, path));
    if (counts && name != "$ref" && name != "allOf" && name != "const") out[name] = value;
  }
  if (const auto value = schema.find("const"); value != schema.end())
    CHECK_OK(merge_into(out, Json{{"enum", Json::array({*value})}}, path));
  if (const auto reference = schema.find("$ref"); reference != schema.end()) {
    const std::string inside = path_to(path, "$ref");
    TRY(const Json* target, resolve(reference->get_ref<const std::string&>(), inside));
    TRY(const Json flat, flatten(*target, inside, depth + 1));
    CHECK_OK(merge_into(out, flat, path));
  }
  if (const auto parts = schema.find("allOf"); parts != schema.end()) {
    for (size_t i = 0; i < parts->size(); ++i) {
      TRY(const Json flat, flatten((*parts)[i], path_to(path, "allOf", i), depth + 1));
      CHECK_OK(merge_into(out, flat, path));
    }
  }
  return out;
}

Result<const Json*> SchemaSource::only_reference(const Json& schema, const std::string& path) const {
  if (!schema.is_object() || !schema.contains("$ref")) return nullptr;
  for (const auto& [name, value] : schema.items()) {
    TRY(const bool counts, has_effect(name, value, path));
    if (counts && name != "$ref") return nullptr;
  }
  return resolve(schema["$ref"].get_ref<const std::string&>(), path_to(path, "$ref"));
}

Result<const Json*> SchemaSource::resolve(const std::string& reference, const std::string& path) const {
  std::string_view rest = reference;
  if (rest != "#" && !rest.starts_with("#/"))
    return fail("{}: {} is not supported: only references within the schema are, \"#/…\"", path,
                quote(reference));
  rest.remove_prefix(1);
  const Json* at = &root_;
  while (at && !rest.empty()) {
    const size_t end = std::min(rest.find('/', 1), rest.size());
    at = child(*at, rest.substr(1, end - 1));
    rest.remove_prefix(end);
  }
  if (!at) return fail("{}: {} is not in the schema", path, quote(reference));
  return at;
}

}  // namespace halcyon::grammar
