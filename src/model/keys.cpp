#include "model/keys.h"

namespace halcyon::model {
namespace {

/// `value` as a T, if it lies in the range (a NaN does not).
template <class T>
Result<T> within(const std::string& key, auto value, Range range) {
  const auto v = static_cast<double>(value);
  if (!(v >= range.min && v <= range.max)) {
    return fail("{}: is {}, expected {} to {}", key, value, range.min, range.max);
  }
  return static_cast<T>(value);
}

}  // namespace

bool Keys::is_array(std::string_view key) const {
  const gguf::Value* value = metadata_.find(full(key));
  return value != nullptr && value->type == gguf::ValueType::array;
}

Result<int32_t> Keys::integer(std::string_view key, Range range) const {
  TRY(const uint32_t value, metadata_.u32(full(key)));
  return within<int32_t>(full(key), value, range);
}

Result<int32_t> Keys::integer_or(std::string_view key, int32_t fallback, Range range) const {
  return contains(key) ? integer(key, range) : fallback;
}

Result<float> Keys::number(std::string_view key, Range range) const {
  TRY(const float value, metadata_.f32(full(key)));
  return within<float>(full(key), value, range);
}

Result<float> Keys::number_or(std::string_view key, float fallback, Range range) const {
  return contains(key) ? number(key, range) : fallback;
}

Result<std::string> Keys::string_or(std::string_view key, std::string_view fallback) const {
  return metadata_.string_or(full(key), fallback);
}

Result<std::vector<int32_t>> Keys::array(std::string_view key, int32_t n, Range range) const {
  TRY(const std::vector<int64_t>* values, metadata_.integers(full(key)));
  if (values == nullptr) return fail("{}: missing, expected an array of {} integers", full(key), n);
  if (std::ssize(*values) < n) return fail("{}: has {} elements, expected {}", full(key), values->size(), n);
  std::vector<int32_t> out;
  for (int32_t i = 0; i < n; i++) {
    TRY(const int32_t value,
        within<int32_t>(fmt::format("{}[{}]", full(key), i), (*values)[static_cast<size_t>(i)], range));
    out.push_back(value);
  }
  return out;
}

Result<std::vector<int32_t>> Keys::per_layer(std::string_view key, int32_t n, Range range) const {
  if (is_array(key)) return array(key, n, range);
  TRY(const int32_t value, integer(key, range));
  return std::vector<int32_t>(static_cast<size_t>(n), value);
}

Result<std::vector<int32_t>> Keys::per_layer_or(std::string_view key, std::vector<int32_t> fallback,
                                                Range range) const {
  return contains(key) ? per_layer(key, static_cast<int32_t>(fallback.size()), range) : fallback;
}

}  // namespace halcyon::model
