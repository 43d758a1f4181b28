#include "template/runtime.h"

#include <algorithm>
#include <cstring>

#include "base/quote.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {
constexpr size_t chunk_bytes = 1 << 16;
}

Result<void> Runtime::check() const {
  if (exhausted()) return fail("the template does too much work: the limit is {} steps", limits::steps);
  return {};
}

Result<void> Runtime::charge_call(const Value& subject, const Arguments& arguments) {
  const auto count = [&](const Value& value) {
    charge(1);
    if (const auto* text = value.as<std::string_view>()) charge_bytes(text->size());
  };
  count(subject);
  for (const Value& value : arguments.positional) count(value);
  for (const auto& [name, value] : arguments.named) count(value);
  return check();
}

Result<void> Runtime::reserve(Int bytes) {
  if (bytes > Int{limits::output_bytes}) return fail("a string would exceed {} bytes", limits::output_bytes);
  charge_bytes(static_cast<size_t>(std::max<Int>(bytes, 0)));
  return check();
}

Result<void> Runtime::reserve_items(Int count) {
  if (count > Int{limits::steps}) return fail("a list would exceed {} elements", limits::steps);
  charge(static_cast<size_t>(std::max<Int>(count, 0)));
  return check();
}

char* Runtime::allocate(size_t bytes) {
  charge_bytes(bytes);
  if (bytes > room_) {
    room_ = std::max(chunk_bytes,
                     bytes * 2);  // twice, so that appending to the new string stays in place for a while
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(room_));
    free_ = chunks_.back().get();
  }
  char* result = free_;
  free_ += bytes;
  room_ -= bytes;
  return result;
}

Value Runtime::string(std::string_view text) {
  if (text.empty()) return Value(std::string_view());
  char* copy = allocate(text.size());
  std::memcpy(copy, text.data(), text.size());
  return Value(std::string_view(copy, text.size()));
}

Value Runtime::concat(std::string_view left, std::string_view right) {
  if (left.empty()) return Value(right);
  if (right.empty()) return Value(left);
  if (left.data() + left.size() == free_ && right.size() <= room_) {
    std::memcpy(allocate(right.size()), right.data(), right.size());
    return Value(std::string_view(left.data(), left.size() + right.size()));
  }
  char* copy = allocate(left.size() + right.size());
  std::memcpy(copy, left.data(), left.size());
  std::memcpy(copy + left.size(), right.data(), right.size());
  return Value(std::string_view(copy, left.size() + right.size()));
}

List* Runtime::list(List::Form form) {
  charge(2);
  List& made = lists_.emplace_back();
  made.form = form;
  return &made;
}

List* Runtime::list(std::vector<Value> items, List::Form form) {
  charge(items.size());
  List* made = list(form);
  made->items = std::move(items);
  return made;
}

Dict* Runtime::dict() {
  charge(4);
  return &dicts_.emplace_back();
}

Result<std::vector<Value>> iterate(Runtime& rt, const Value& value) {
  std::vector<Value> out;
  if (const List* list = value.list()) {
    out = list->items;
  } else if (const Dict* dict = value.dict()) {
    out.reserve(dict->size());
    for (const auto& entry : dict->entries()) out.push_back(entry.first);
  } else if (const auto* text = value.as<std::string_view>()) {
    CHECK_OK(rt.reserve_items(static_cast<Int>(text->size())));
    for (const Char& c : chars_of(*text)) out.emplace_back(c.bytes);
  } else if (!value.is<Undefined>()) {
    return fail("'{}' object is not iterable", type_name(value));
  }
  CHECK_OK(rt.reserve_items(static_cast<Int>(out.size())));
  return out;
}

Result<Int> Bound::integer_or(size_t i, Int fallback) const {
  if (!values_[i]) return fallback;
  if (is_integral(*values_[i])) return std::clamp<Int>(integer_of(*values_[i]), -Int{INT64_MAX}, INT64_MAX);
  return fail("{}: '{}' must be an integer, not '{}'", function_, names_[i], type_name(*values_[i]));
}

Result<std::string_view> Bound::string(size_t i) const {
  if (values_[i] && values_[i]->is<std::string_view>()) return *values_[i]->as<std::string_view>();
  return fail("{}: '{}' must be a string, not '{}'", function_, names_[i],
              values_[i] ? type_name(*values_[i]) : "missing");
}

Result<std::string_view> Bound::string_or(size_t i, std::string_view fallback) const {
  if (!values_[i]) return fallback;
  return string(i);
}

Result<Bound> bind(std::string_view function, const Arguments& arguments,
                   std::initializer_list<std::string_view> names, size_t required) {
  Bound bound;
  bound.function_ = function;
  std::copy(names.begin(), names.end(), bound.names_.begin());
  if (arguments.positional.size() > names.size())
    return fail("{} takes at most {} argument{}, {} given", function, names.size(),
                names.size() == 1 ? "" : "s", arguments.positional.size());
  for (size_t i = 0; i < arguments.positional.size(); ++i) bound.values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const size_t i = static_cast<size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    if (i == names.size()) return fail("{} has no argument named {}", function, quote(name));
    if (bound.values_[i]) return fail("{}: argument '{}' is given twice", function, name);
    bound.values_[i] = &value;
  }
  for (size_t i = 0; i < required; ++i)
    if (!bound.values_[i]) return fail("{}: argument '{}' is missing", function, bound.names_[i]);
  return bound;
}

}  // namespace halcyon::jinja
