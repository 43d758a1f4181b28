#include "serve/fields.h"

#include <cmath>

#include "base/quote.h"

namespace halcyon::serve {
namespace {

/// The value of an integer, also where it is written as 5.0 or 5e0.
std::optional<int64_t> as_integer(const Json& value) {
  constexpr double limit = 9007199254740992;  // 2^53: doubles above it are no longer exact
  if (value.is_number_unsigned())
    return value.get<uint64_t>() > INT64_MAX ? INT64_MAX : static_cast<int64_t>(value.get<uint64_t>());
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double x = value.get<double>();
  if (x != std::trunc(x) || std::abs(x) > limit) return std::nullopt;
  return static_cast<int64_t>(x);
}

}  // namespace

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object())
    keep({ErrorKind::invalid_request,
          where_.empty() ? "the body has to be a JSON object"
                         : fmt::format("\"{}\" has to be an object", where_.substr(0, where_.size() - 1)),
          Json::object()});
}

void Fields::keep(ApiError error) {
  if (!error_) error_ = std::move(error);
}

const Json* Fields::find(std::string_view name) {
  known_.emplace(name);
  if (!object_.is_object()) return nullptr;
  const auto member = object_.find(name);
  return member == object_.end() || member->is_null() ? nullptr : &*member;
}

void Fields::string(std::string_view name, std::string& out) {
  const Json* value = find(name);
  if (!value) return;
  if (!value->is_string()) return reject(name, "has to be a string");
  out = value->get<std::string>();
}

void Fields::boolean(std::string_view name, bool& out) {
  const Json* value = find(name);
  if (!value) return;
  if (!value->is_boolean()) return reject(name, "has to be true or false");
  out = value->get<bool>();
}

void Fields::number(std::string_view name, float& out) {
  const Json* value = find(name);
  if (!value) return;
  if (!value->is_number()) return reject(name, "has to be a number");
  const auto x = static_cast<float>(value->get<double>());
  if (!std::isfinite(x)) return reject(name, "is too large a number");
  out = x;
}

void Fields::integer(std::string_view name, int64_t& out, int64_t min, int64_t max) {
  const Json* value = find(name);
  if (!value) return;
  const std::optional<int64_t> x = as_integer(*value);
  if (!x) return reject(name, "has to be a whole number");
  if (*x < min || *x > max) return reject(name, "is {}; it must be from {} to {}", *x, min, max);
  out = *x;
}

void Fields::integer(std::string_view name, int32_t& out, int64_t min, int64_t max) {
  int64_t wide = out;
  integer(name, wide, min, max);
  out = static_cast<int32_t>(wide);
}

void Fields::strings(std::string_view name, std::vector<std::string>& out, size_t most) {
  const Json* value = find(name);
  if (!value) return;
  if (value->is_string()) {
    out = {value->get<std::string>()};
    return;
  }
  if (!value->is_array()) return reject(name, "has to be a string or a list of strings");
  if (value->size() > most)
    return reject(name, "has {} strings; at most {} are possible", value->size(), most);
  out.clear();
  for (const Json& element : *value) {
    if (!element.is_string()) return reject(name, "has to be a string or a list of strings");
    out.push_back(element.get<std::string>());
  }
}

void Fields::tokens(std::string_view name, std::vector<int32_t>& out) {
  const Json* value = find(name);
  if (!value) return;
  if (!value->is_array()) return reject(name, "has to be a list of token ids");
  out.clear();
  for (const Json& element : *value) {
    const std::optional<int64_t> id = as_integer(element);
    if (!id || *id < 0 || *id > INT32_MAX) return reject(name, "has to be a list of token ids");
    out.push_back(static_cast<int32_t>(*id));
  }
}

void Fields::accept(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) known_.emplace(name);
}

void Fields::only(std::string_view name, const Json& value) {
  const Json* found = find(name);
  if (found && *found != value)
    keep({ErrorKind::not_supported,
          fmt::format("\"{}{}\" is not supported, but for {}", where_, name, to_text(value)),
          Json::object()});
}

Outcome<void> Fields::finish() {
  if (error_) return std::unexpected(std::move(*error_));
  for (const auto& [name, value] : object_.items())
    if (!known_.contains(name))
      return refuse(ErrorKind::invalid_request, "{} is not known here: leave it out", quote(where_ + name));
  return {};
}

}  // namespace halcyon::serve
