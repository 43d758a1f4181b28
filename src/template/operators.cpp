#include "template/operators.h"

#include <algorithm>
#include <cmath>

#include "base/quote.h"
#include "template/builtins.h"
#include "template/format.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

std::unexpected<Error> unsupported(std::string_view op, const Value& a, const Value& b) {
  for (const Value* v : {&a, &b})
    if (const auto* undefined = v->as<Undefined>()) return fail("{}", undefined->message);
  return fail("'{}' cannot combine '{}' and '{}'", op, type_name(a), type_name(b));
}

std::unexpected<Error> overflow(std::string_view op) {
  return fail("the result of '{}' is out of range", op);
}

bool both_integral(const Value& a, const Value& b) { return is_integral(a) && is_integral(b); }
bool both_numbers(const Value& a, const Value& b) { return is_number(a) && is_number(b); }

double floor_modulo(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

/// A method together with the value it was taken from.
class BoundMethod final : public Object {
 public:
  BoundMethod(const Value& self, std::string_view name, MethodFunction method)
      : self_(self), name_(name), method_(method) {}
  std::string_view type_name() const override { return "method"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime& rt, const Arguments& arguments) override {
    CHECK_OK(rt.charge_call(self_, arguments));
    return method_(rt, self_, arguments);
  }
  std::string to_string() const override {
    return fmt::format("<built-in method {} of {} object>", name_, jinja::type_name(self_));
  }

 private:
  Value self_;
  std::string_view name_;
  MethodFunction method_;
};

std::optional<Value> find_attribute(Runtime& rt, const Value& object, std::string_view name) {
  rt.charge_bytes(name.size());
  if (const MethodFunction method = find_method(object, name))
    return Value(rt.object<BoundMethod>(object, name, method));
  if (object.object())
    if (const Value* value = object.object()->attribute(rt, name)) return *value;
  return std::nullopt;
}

Value no_attribute(Runtime& rt, const Value& object, std::string_view name) {
  const Value message = rt.string(
      object.is<None>() ? fmt::format("'None' has no attribute {}", quote(name))
                        : fmt::format("'{} object' has no attribute {}", type_name(object), quote(name)));
  return Value(Undefined{*message.as<std::string_view>()});
}

Result<Value> repeat(Runtime& rt, const Value& sequence, Int times) {
  times = std::max<Int>(times, 0);
  if (const auto* text = sequence.as<std::string_view>()) {
    if (times > Int{limits::output_bytes})
      times = Int{limits::output_bytes} + 1;  // too many, unless the text is empty
    CHECK_OK(rt.reserve(static_cast<Int>(text->size()) * times));
    std::string out;
    out.reserve(text->size() * static_cast<size_t>(times));
    for (Int i = 0; i < times && !text->empty(); ++i) out += *text;
    return rt.string(out);
  }
  const List* list = sequence.list();
  if (times > Int{limits::steps}) times = Int{limits::steps} + 1;
  CHECK_OK(rt.reserve_items(static_cast<Int>(list->items.size()) * times));
  std::vector<Value> out;
  for (Int i = 0; i < times && !list->items.empty(); ++i)
    out.insert(out.end(), list->items.begin(), list->items.end());
  return Value(rt.list(std::move(out), list->form));
}

/// Python's slice.indices(): the range of positions in a sequence of `n`, a step apart.
struct Range {
  Int start, stop, step;
};
Result<Range> slice_range(Int n, const Value& start, const Value& stop, const Value& step) {
  for (const Value* v : {&start, &stop, &step})
    if (!v->is<None>() && !is_integral(*v)) return fail("a slice needs integers, not '{}'", type_name(*v));
  const Int by = step.is<None>() ? 1 : integer_of(step);
  if (by == 0) return fail("the step of a slice cannot be 0");
  const Int low = by < 0 ? -1 : 0, high = by < 0 ? n - 1 : n;
  const auto place = [&](const Value& v, Int missing) {
    if (v.is<None>()) return missing;
    Int i = integer_of(v);
    if (i < 0) i = i < -n ? low : i + n;
    return std::clamp(i, low, high);
  };
  return Range{place(start, by < 0 ? high : low), place(stop, by < 0 ? low : high),
               std::clamp(by, -n - 1, n + 1)};
}

}  // namespace

Result<Value> add(Runtime& rt, const Value& a, const Value& b) {
  if (const auto* x = a.as<std::string_view>(), *y = b.as<std::string_view>(); x && y) {
    CHECK_OK(rt.reserve(static_cast<Int>(x->size()) + static_cast<Int>(y->size())));
    return rt.concat(*x, *y);
  }
  if (both_integral(a, b)) {
    Int sum = 0;
    if (__builtin_add_overflow(integer_of(a), integer_of(b), &sum)) return overflow("+");
    return Value(sum);
  }
  if (both_numbers(a, b)) return Value(real_of(a) + real_of(b));
  if (const List* x = a.list(), *y = b.list(); x && y && x->form == y->form && x->form != List::Form::lazy) {
    CHECK_OK(rt.reserve_items(static_cast<Int>(x->items.size() + y->items.size())));
    std::vector<Value> items = x->items;
    items.insert(items.end(), y->items.begin(), y->items.end());
    return Value(rt.list(std::move(items), x->form));
  }
  return unsupported("+", a, b);
}

Result<Value> subtract(const Value& a, const Value& b) {
  if (both_integral(a, b)) {
    Int difference = 0;
    if (__builtin_sub_overflow(integer_of(a), integer_of(b), &difference)) return overflow("-");
    return Value(difference);
  }
  if (both_numbers(a, b)) return Value(real_of(a) - real_of(b));
  return unsupported("-", a, b);
}

Result<Value> multiply(Runtime& rt, const Value& a, const Value& b) {
  if (both_integral(a, b)) {
    Int product = 0;
    if (__builtin_mul_overflow(integer_of(a), integer_of(b), &product)) return overflow("*");
    return Value(product);
  }
  if (both_numbers(a, b)) return Value(real_of(a) * real_of(b));
  const auto is_sequence = [](const Value& v) {
    return v.is<std::string_view>() || (v.list() && v.list()->form != List::Form::lazy);
  };
  if (is_sequence(a) && is_integral(b)) return repeat(rt, a, integer_of(b));
  if (is_integral(a) && is_sequence(b)) return repeat(rt, b, integer_of(a));
  return unsupported("*", a, b);
}

Result<Value> divide(const Value& a, const Value& b) {
  if (!both_numbers(a, b)) return unsupported("/", a, b);
  if (real_of(b) == 0) return fail("division by zero");
  return Value(real_of(a) / real_of(b));
}

Result<Value> floor_divide(const Value& a, const Value& b) {
  if (!both_numbers(a, b)) return unsupported("//", a, b);
  if (real_of(b) == 0) return fail("division by zero");
  if (!both_integral(a, b)) {
    const double x = real_of(a), y = real_of(b);
    return Value(std::floor((x - floor_modulo(x, y)) / y + 0.5));
  }
  const Int x = integer_of(a), y = integer_of(b);
  Int negated = 0;
  if (y == -1) {
    if (__builtin_sub_overflow(Int{0}, x, &negated)) return overflow("//");
    return Value(negated);
  }
  return Value(x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0));
}

Result<Value> modulo(Runtime& rt, const Value& a, const Value& b) {
  if (const auto* pattern = a.as<std::string_view>()) {
    TRY(const std::string text, format_percent(rt, *pattern, b));
    return rt.string(text);
  }
  if (!both_numbers(a, b)) return unsupported("%", a, b);
  if (real_of(b) == 0) return fail("division by zero");
  if (!both_integral(a, b)) return Value(floor_modulo(real_of(a), real_of(b)));
  const Int y = integer_of(b);
  if (y == -1) return Value(Int{0});
  const Int r = integer_of(a) % y;
  return Value(r != 0 && (r < 0) != (y < 0) ? r + y : r);
}

Result<Value> power(const Value& a, const Value& b) {
  if (!both_numbers(a, b)) return unsupported("**", a, b);
  if (both_integral(a, b) && integer_of(b) >= 0) {
    Int base = integer_of(a), exponent = integer_of(b), result = 1;
    while (exponent > 0) {
      if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return overflow("**");
      exponent >>= 1;
      if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return overflow("**");
    }
    return Value(result);
  }
  if (real_of(a) == 0 && real_of(b) < 0) return fail("division by zero");
  const double result = std::pow(real_of(a), real_of(b));
  if (!std::isfinite(result) && std::isfinite(real_of(a)) && std::isfinite(real_of(b))) return overflow("**");
  return Value(result);
}

Result<Value> negate(const Value& a) {
  if (is_integral(a)) return subtract(Value(0), a);
  if (a.is<double>()) return Value(-*a.as<double>());
  return unsupported("-", a, a);
}

Result<Value> concat(Runtime& rt, const Value& a, const Value& b) {
  const auto as_text = [&](const Value& v) -> Result<Value> {
    if (v.is<std::string_view>()) return v;
    TRY(const std::string text, to_string(rt, v));
    return rt.string(text);
  };
  TRY(const Value left, as_text(a));
  TRY(const Value right, as_text(b));
  return add(rt, left, right);
}

Result<bool> contains(Runtime& rt, const Value& container, const Value& item) {
  if (const auto* text = container.as<std::string_view>()) {
    const auto* part = item.as<std::string_view>();
    if (!part) {
      if (const auto* undefined = item.as<Undefined>()) return fail("{}", undefined->message);
      return fail("'in <string>' needs a string on its left, not '{}'", type_name(item));
    }
    rt.charge_bytes(text->size());
    return find_part(*text, *part) != text->npos;
  }
  if (const List* list = container.list()) {
    for (const Value& candidate : list->items)
      if (equal(rt, candidate, item)) return true;
    return false;
  }
  if (const Dict* dict = container.dict()) {
    CHECK_OK(check_key(rt, item));
    return dict->find(rt, item) != nullptr;
  }
  if (container.is<Undefined>()) return false;
  return fail("'{}' is no container that 'in' can search", type_name(container));
}

Result<Value> attribute(Runtime& rt, const Value& object, std::string_view name) {
  if (const auto* undefined = object.as<Undefined>()) return fail("{}", undefined->message);
  if (const auto found = find_attribute(rt, object, name)) return *found;
  if (const Dict* dict = object.dict())
    if (const Value* value = dict->find(rt, Value(name))) return *value;
  return no_attribute(rt, object, name);
}

Result<Value> item(Runtime& rt, const Value& object, const Value& key) {
  if (const auto* undefined = object.as<Undefined>()) return fail("{}", undefined->message);
  if (const Dict* dict = object.dict()) {
    TRY(const bool is_key, hashable(rt, key));
    const Value* value = is_key ? dict->find(rt, key) : nullptr;
    if (value) return *value;
  }
  if (const auto* name = key.as<std::string_view>()) {
    if (const auto found = find_attribute(rt, object, *name)) return *found;
    return no_attribute(rt, object, *name);
  }
  if (is_integral(key)) {
    const Int i = integer_of(key);
    if (const List* list = object.list(); list && list->form != List::Form::lazy) {
      const Int n = static_cast<Int>(list->items.size());
      if (i >= -n && i < n) return list->items[static_cast<size_t>(i < 0 ? i + n : i)];
    } else if (object.is<std::string_view>() && i < Int{limits::output_bytes} &&
               i >= -Int{limits::output_bytes}) {
      TRY(const Value found, slice(rt, object, key, i == -1 ? Value(None{}) : Value(i + 1), Value(None{})));
      if (truthy(found)) return found;
    }
  }
  TRY(const std::string shown, to_string(rt, key));
  const Value message =
      rt.string(fmt::format("'{} object' has no element {}", type_name(object), quote(shown)));
  return Value(Undefined{*message.as<std::string_view>()});
}

Result<Value> slice(Runtime& rt, const Value& object, const Value& start, const Value& stop,
                    const Value& step) {
  if (const auto* undefined = object.as<Undefined>()) return fail("{}", undefined->message);
  if (const auto* text = object.as<std::string_view>()) {
    rt.charge_bytes(text->size());
    const Int n = static_cast<Int>(count_chars(*text));
    TRY(const Range range, slice_range(n, start, stop, step));
    const bool ascii = n == static_cast<Int>(text->size());
    if (range.step == 1) {
      size_t first = static_cast<size_t>(range.start),
             last = static_cast<size_t>(std::max(range.start, range.stop));
      if (!ascii) {
        size_t at = 0, i = 0;
        for (; i < first; ++i) at += char_at(*text, at).bytes.size();
        const size_t begin = at;
        for (; i < last; ++i) at += char_at(*text, at).bytes.size();
        first = begin;
        last = at;
      }
      return Value(text->substr(first, last - first));
    }
    CHECK_OK(rt.reserve_items(n));
    const std::vector<Char> chars = chars_of(*text);
    std::string out;
    for (Int i = range.start; range.step > 0 ? i < range.stop : i > range.stop; i += range.step)
      out += chars[static_cast<size_t>(i)].bytes;
    return rt.string(out);
  }
  const List* list = object.list();
  if (!list || list->form == List::Form::lazy) {
    // As for any item that is not there.
    const Value message = rt.string(fmt::format("'{}' cannot be sliced", type_name(object)));
    return Value(Undefined{*message.as<std::string_view>()});
  }
  TRY(const Range range, slice_range(static_cast<Int>(list->items.size()), start, stop, step));
  std::vector<Value> out;
  for (Int i = range.start; range.step > 0 ? i < range.stop : i > range.stop; i += range.step)
    out.push_back(list->items[static_cast<size_t>(i)]);
  return Value(rt.list(std::move(out), list->form));
}

}  // namespace halcyon::jinja
