#include "measure/json.h"

#include <cmath>

#include "base/quote.h"

namespace halcyon::measure {

Result<Json> parse_json(std::string_view text) {
  try {
    // Deeper than anything a server has to say: nothing that goes over the value runs out of stack.
    constexpr int kDeepest = 64;
    bool too_deep = false;
    const auto limit = [&](int depth, Json::parse_event_t, Json&) { return !(too_deep |= depth > kDeepest); };
    Json json = Json::parse(text, limit, false);
    if (!json.is_discarded() && !too_deep) return json;
  } catch (const std::exception&) {  // out of memory, a number too large
  }
  return fail("what the server sent is not JSON: {}", quote(text, 64));
}

const Json* find(const Json& json, const char* path) {
  try {
    const Json::json_pointer pointer(path);
    return json.contains(pointer) ? &json.at(pointer) : nullptr;
  } catch (const Json::exception&) {  // an index into what is no list
    return nullptr;
  }
}

std::optional<std::string> string_at(const Json& json, const char* path) {
  const Json* value = find(json, path);
  return value && value->is_string() ? std::optional(value->get<std::string>()) : std::nullopt;
}

std::optional<double> number_at(const Json& json, const char* path) {
  const Json* value = find(json, path);
  if (!value || !value->is_number()) return std::nullopt;
  const auto number = value->get<double>();
  return std::isfinite(number) && number >= 0 ? std::optional(number) : std::nullopt;
}

std::optional<int> count_at(const Json& json, const char* path) {
  const std::optional<double> number = number_at(json, path);
  constexpr double kMost = 1e9;
  return number && *number <= kMost && *number == std::floor(*number)
             ? std::optional(static_cast<int>(*number))
             : std::nullopt;
}

std::optional<std::string> error_in(const Json& json) {
  const Json* error = find(json, "/error");
  if (!error || error->is_null()) return std::nullopt;
  if (error->is_string()) return error->get<std::string>();
  return string_at(*error, "/message").value_or(to_text(*error));
}

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace halcyon::measure
