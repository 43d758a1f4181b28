// What templates compute with: values that behave like Python's. A Value is small and trivially copied; text
// and containers live in the Runtime of one render, which frees them all at its end, so that lists and dicts
// have reference semantics, may even contain themselves, and cost no reference counts.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace halcyon::jinja {

class Runtime;
class Dict;
class Object;
struct Arguments;
struct List;

/// Wide enough for every integer of a JSON document, signed or not. What leaves its range is an error.
__extension__ using Int = __int128;

/// The value of a name, attribute or item that is not there. It prints as nothing; using it is an error.
struct Undefined {
  std::string_view message;  ///< the error: "'name' is undefined"
};
struct None {};

struct Value {
  std::variant<Undefined, None, bool, Int, double, std::string_view, List*, Dict*, Object*> data;

  Value() = default;
  Value(Undefined v) : data(v) {}
  Value(None v) : data(v) {}
  Value(std::same_as<bool> auto v) : data(v) {}
  Value(std::integral auto v) requires(!std::same_as<decltype(v), bool>) : data(static_cast<Int>(v)) {}
  Value(Int v) : data(v) {}
  Value(double v) : data(v) {}
  Value(std::string_view v) : data(v) {}
  Value(List* v) : data(v) {}
  Value(Dict* v) : data(v) {}
  Value(Object* v) : data(v) {}

  /// The content if it is of this type, else nullptr.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  template <class T>
  bool is() const {
    return std::holds_alternative<T>(data);
  }
  List* list() const { return is<List*>() ? *as<List*>() : nullptr; }
  Dict* dict() const { return is<Dict*>() ? *as<Dict*>() : nullptr; }
  Object* object() const { return is<Object*>() ? *as<Object*>() : nullptr; }
};

/// A list, a tuple, or the result of a filter that Jinja evaluates lazily (always true, has no length).
struct List {
  enum class Form { list, tuple, lazy };
  std::vector<Value> items;
  Form form = Form::list;
};

/// A dict in order of insertion. Keys compare as in Python: 1, 1.0 and True are the same key. They must be
/// hashable; see `check_key`. What looking for them costs is charged, however alike they are.
class Dict {
 public:
  using Entry = std::pair<Value, Value>;

  const std::vector<Entry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  const Value* find(Runtime& rt, const Value& key) const;
  void set(Runtime& rt, const Value& key, const Value& value);
  void erase(Runtime& rt, const Value& key);
  void clear();

 private:
  size_t position(Runtime& rt, const Value& key, size_t hash) const;  ///< size() if it is not there
  void build_slots(Runtime& rt);
  void fill_slot(Runtime& rt, size_t position);

  std::vector<Entry> entries_;
  std::vector<size_t> hashes_;   ///< of the entries' keys
  std::vector<uint32_t> slots_;  ///< positions by hash, open addressing; empty while a scan is as fast
};

/// Positional and named arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;
};

/// Anything else: functions, macros, namespaces, the `loop` variable.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;

  /// The attribute, if there is one.
  virtual const Value* attribute(Runtime&, std::string_view) { return nullptr; }
  virtual bool callable() const { return false; }
  virtual Result<Value> call(Runtime&, const Arguments&) {
    return fail("'{}' object is not callable", type_name());
  }
  virtual std::string to_string() const;
};

/// `namespace(...)`: the one object whose attributes `set` may change.
class Namespace final : public Object {
 public:
  std::string_view type_name() const override { return "namespace"; }
  const Value* attribute(Runtime& rt, std::string_view name) override { return values.find(rt, Value(name)); }
  Dict values;
};

std::string_view type_name(const Value& value);  ///< Python's name of the type, for messages
bool truthy(const Value& value);

/// Whether a value can be the key of a dict; an error if it is nested too deep or too large to tell.
Result<bool> hashable(Runtime& rt, const Value& value, int depth = 0);
/// Fails if a value cannot be the key of a dict.
Result<void> check_key(Runtime& rt, const Value& value);

/// Numbers of any type, booleans included, as in Python's arithmetic.
bool is_number(const Value& value);
bool is_integral(const Value& value);
Int integer_of(const Value& value);  ///< needs is_integral
double real_of(const Value& value);  ///< needs is_number

std::string float_repr(double value);  ///< as Python prints it: 1.0, 1e+16, nan

/// Python's ==, on anything. Deep or large values count as steps; past the limits the answer is false.
bool equal(Runtime& rt, const Value& a, const Value& b, int depth = 0);

/// Python's <, or an error for types that have no order.
Result<bool> less(Runtime& rt, const Value& a, const Value& b, int depth = 0);

/// str(value) and repr(value).
Result<std::string> to_string(Runtime& rt, const Value& value);
Result<std::string> repr(Runtime& rt, const Value& value);

}  // namespace halcyon::jinja
