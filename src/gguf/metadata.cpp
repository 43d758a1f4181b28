#include <cmath>
#include <limits>

#include "base/quote.h"
#include "gguf/gguf.h"

namespace halcyon::gguf {
namespace {

template <class Kept, class Given>
Value array_of(ValueType element_type, std::vector<Given> v) {
  return {ValueType::array, Array{element_type, std::vector<Kept>(v.begin(), v.end())}};
}

std::unexpected<Error> wrong_type(std::string_view key, const Value& found, std::string_view expected) {
  return fail("key {} is of type {}, expected {}", quote(key), describe_type(found), expected);
}

std::unexpected<Error> missing(std::string_view key, std::string_view expected) {
  return fail("key {} is missing, expected {}", quote(key), expected);
}

/// The value of a key in the variant's alternative `T`.
template <class T>
Result<const T*> required(const Metadata& metadata, std::string_view key, std::string_view expected) {
  const Value* value = metadata.find(key);
  if (!value) return missing(key, expected);
  const T* data = std::get_if<T>(&value->data);
  if (!data) return wrong_type(key, *value, expected);
  return data;
}

/// The elements of an array key in the alternative `T`; nullptr if the key is missing.
template <class T>
Result<const std::vector<T>*> elements(const Metadata& metadata, std::string_view key,
                                       std::string_view expected) {
  const Value* value = metadata.find(key);
  if (!value) return nullptr;
  const auto* array = std::get_if<Array>(&value->data);
  const auto* data = array ? std::get_if<std::vector<T>>(&array->elements) : nullptr;
  if (!data) return wrong_type(key, *value, expected);
  return data;
}

}  // namespace

std::string_view name_of(ValueType type) {
  static constexpr std::array<std::string_view, 13> names{
      "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
  const auto id = static_cast<size_t>(type);
  return id < names.size() ? names[id] : "unknown";
}

size_t Array::size() const {
  return std::visit([](const auto& v) { return v.size(); }, elements);
}

Value Value::u32(uint32_t v) { return {ValueType::u32, int64_t{v}}; }
Value Value::i32(int32_t v) { return {ValueType::i32, int64_t{v}}; }
Value Value::f32(float v) { return {ValueType::f32, double{v}}; }
Value Value::boolean(bool v) { return {ValueType::boolean, v}; }
Value Value::string(std::string v) { return {ValueType::string, std::move(v)}; }
Value Value::strings(std::vector<std::string> v) {
  return {ValueType::array, Array{ValueType::string, std::move(v)}};
}
Value Value::i32s(std::vector<int32_t> v) { return array_of<int64_t>(ValueType::i32, std::move(v)); }
Value Value::u32s(std::vector<uint32_t> v) { return array_of<int64_t>(ValueType::u32, std::move(v)); }
Value Value::f32s(std::vector<float> v) { return array_of<double>(ValueType::f32, std::move(v)); }

std::string describe_type(const Value& value) {
  const auto* array = std::get_if<Array>(&value.data);
  return array ? fmt::format("array of {}", name_of(array->element_type)) : std::string(name_of(value.type));
}

const Value* Metadata::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &entries_[found->second].second;
}

Result<void> Metadata::add(std::string key, Value value) {
  if (key.empty()) return fail("empty key");
  if (!index_.try_emplace(key, entries_.size()).second) return fail("key {} occurs twice", quote(key));
  entries_.emplace_back(std::move(key), std::move(value));
  return {};
}

void Metadata::set(std::string key, Value value) {
  const auto [place, added] = index_.try_emplace(key, entries_.size());
  if (added)
    entries_.emplace_back(std::move(key), std::move(value));
  else
    entries_[place->second].second = std::move(value);
}

Result<uint32_t> Metadata::u32(std::string_view key) const {
  TRY(const int64_t* v, required<int64_t>(*this, key, "an integer"));
  if (*v < 0 || *v > std::numeric_limits<uint32_t>::max()) {
    const bool is_u64 = find(key)->type == ValueType::u64;
    return fail("key {} is {}, expected 0 to {}", quote(key),
                is_u64 ? fmt::to_string(static_cast<uint64_t>(*v)) : fmt::to_string(*v),
                std::numeric_limits<uint32_t>::max());
  }
  return static_cast<uint32_t>(*v);
}

Result<float> Metadata::f32(std::string_view key) const {
  TRY(const double* v, required<double>(*this, key, "f32"));
  if (std::isfinite(*v) && std::abs(*v) > double{std::numeric_limits<float>::max()})
    return fail("key {} is {}, too large for f32", quote(key), *v);
  return static_cast<float>(*v);
}

Result<bool> Metadata::boolean(std::string_view key) const {
  TRY(const bool* v, required<bool>(*this, key, "bool"));
  return *v;
}

Result<std::string> Metadata::string(std::string_view key) const {
  TRY(const std::string* v, required<std::string>(*this, key, "string"));
  return *v;
}

Result<uint32_t> Metadata::u32_or(std::string_view key, uint32_t fallback) const {
  return contains(key) ? u32(key) : fallback;
}

Result<float> Metadata::f32_or(std::string_view key, float fallback) const {
  return contains(key) ? f32(key) : fallback;
}

Result<bool> Metadata::boolean_or(std::string_view key, bool fallback) const {
  return contains(key) ? boolean(key) : fallback;
}

Result<std::string> Metadata::string_or(std::string_view key, std::string_view fallback) const {
  return contains(key) ? string(key) : std::string(fallback);
}

Result<const std::vector<std::string>*> Metadata::strings(std::string_view key) const {
  return elements<std::string>(*this, key, "an array of strings");
}

Result<const std::vector<int64_t>*> Metadata::integers(std::string_view key) const {
  return elements<int64_t>(*this, key, "an array of integers");
}

Result<const std::vector<double>*> Metadata::floats(std::string_view key) const {
  return elements<double>(*this, key, "an array of f32");
}

}  // namespace halcyon::gguf
