// Methods of lists, tuples and dicts, as in Python.
#include <algorithm>
#include <unordered_map>

#include "base/quote.h"
#include "template/builtins.h"

namespace halcyon::jinja {
namespace {

Result<Value> append(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("append", arguments, {"object"}, 1));
  rt.charge(1);
  self.list()->items.push_back(*bound[0]);
  return Value(None{});
}

Result<Value> extend(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("extend", arguments, {"iterable"}, 1));
  TRY(const std::vector<Value> items, iterate(rt, *bound[0]));
  CHECK_OK(rt.reserve_items(static_cast<Int>(items.size())));
  self.list()->items.insert(self.list()->items.end(), items.begin(), items.end());
  return Value(None{});
}

/// Moving elements is work too, though cheap.
void charge_move(Runtime& rt, const List& list) { rt.charge(1 + list.items.size() / 16); }

Result<Value> insert(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("insert", arguments, {"index", "object"}, 2));
  TRY(Int at, bound.integer_or(0, 0));
  std::vector<Value>& items = self.list()->items;
  const Int n = static_cast<Int>(items.size());
  if (at < 0) at += n;
  charge_move(rt, *self.list());
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(std::clamp<Int>(at, 0, n)), *bound[1]);
  return Value(None{});
}

Result<Value> list_pop(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("pop", arguments, {"index"}));
  TRY(Int at, bound.integer_or(0, -1));
  std::vector<Value>& items = self.list()->items;
  const Int n = static_cast<Int>(items.size());
  if (at < 0) at += n;
  if (at < 0 || at >= n) return fail("pop: the list has {} elements, there is no such index", n);
  charge_move(rt, *self.list());
  const auto it = items.begin() + static_cast<std::ptrdiff_t>(at);
  const Value value = *it;
  items.erase(it);
  return value;
}

Result<size_t> position(Runtime& rt, const Value& self, const Arguments& arguments, std::string_view name) {
  TRY(const Bound bound, bind(name, arguments, {"value"}, 1));
  const std::vector<Value>& items = self.list()->items;
  for (size_t i = 0; i < items.size(); ++i)
    if (equal(rt, items[i], *bound[0])) return i;
  return fail("{}: the value is not in the list", name);
}

Result<Value> remove(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const size_t at, position(rt, self, arguments, "remove"));
  charge_move(rt, *self.list());
  self.list()->items.erase(self.list()->items.begin() + static_cast<std::ptrdiff_t>(at));
  return Value(None{});
}

Result<Value> index(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const size_t at, position(rt, self, arguments, "index"));
  return Value(at);
}

Result<Value> count(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("count", arguments, {"value"}, 1));
  Int n = 0;
  for (const Value& item : self.list()->items) n += equal(rt, item, *bound[0]);
  return Value(n);
}

Result<Value> reverse(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("reverse", arguments, {}));
  charge_move(rt, *self.list());
  std::reverse(self.list()->items.begin(), self.list()->items.end());
  return Value(None{});
}

Result<Value> list_clear(Runtime&, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("clear", arguments, {}));
  self.list()->items.clear();
  return Value(None{});
}

Result<Value> list_copy(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("copy", arguments, {}));
  return Value(rt.list(self.list()->items));
}

Result<Value> sort(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("sort", arguments, {"reverse"}));
  const Arguments case_counts{{Value(bound.truthy_or(0, false)), Value(true)}, {}};
  TRY(const Value sorted, find_filter("sort")(rt, self, case_counts));
  self.list()->items = sorted.list()->items;
  return Value(None{});
}

Result<Value> get(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("get", arguments, {"key", "default"}, 1));
  CHECK_OK(check_key(rt, *bound[0]));
  if (const Value* value = self.dict()->find(rt, *bound[0])) return *value;
  return bound[1] ? *bound[1] : Value(None{});
}

Result<Value> items(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("items", arguments, {}));
  List* out = rt.list();
  for (const auto& [key, value] : self.dict()->entries())
    out->items.emplace_back(rt.list({key, value}, List::Form::tuple));
  return Value(out);
}

Result<Value> keys(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("keys", arguments, {}));
  TRY(std::vector<Value> names, iterate(rt, self));
  return Value(rt.list(std::move(names)));
}

Result<Value> values(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("values", arguments, {}));
  std::vector<Value> out;
  for (const auto& entry : self.dict()->entries()) out.push_back(entry.second);
  return Value(rt.list(std::move(out)));
}

Result<Value> update(Runtime& rt, const Value& self, const Arguments& arguments) {
  // dict(...) takes the same arguments.
  TRY(const Value other, find_global("dict")->object()->call(rt, arguments));
  CHECK_OK(rt.reserve_items(static_cast<Int>(other.dict()->size())));
  for (const auto& [key, value] : other.dict()->entries()) self.dict()->set(rt, key, value);
  return Value(None{});
}

Result<Value> dict_pop(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("pop", arguments, {"key", "default"}, 1));
  CHECK_OK(check_key(rt, *bound[0]));
  const Value* found = self.dict()->find(rt, *bound[0]);
  if (!found) {
    if (bound[1]) return *bound[1];
    TRY(const std::string key, to_string(rt, *bound[0]));
    return fail("pop: the dict has no key {}", quote(key));
  }
  const Value value = *found;
  self.dict()->erase(rt, *bound[0]);
  return value;
}

Result<Value> setdefault(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("setdefault", arguments, {"key", "default"}, 1));
  CHECK_OK(check_key(rt, *bound[0]));
  if (const Value* found = self.dict()->find(rt, *bound[0])) return *found;
  const Value value = bound[1] ? *bound[1] : Value(None{});
  rt.charge(4);
  self.dict()->set(rt, *bound[0], value);
  return value;
}

Result<Value> dict_clear(Runtime&, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("clear", arguments, {}));
  self.dict()->clear();
  return Value(None{});
}

Result<Value> dict_copy(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("copy", arguments, {}));
  Dict* copy = rt.dict();
  rt.charge(4 * self.dict()->size());
  *copy = *self.dict();
  return Value(copy);
}

}  // namespace

MethodFunction find_container_method(const Value& self, std::string_view name) {
  using Methods = std::unordered_map<std::string_view, MethodFunction>;
  static const Methods list_methods = {{"append", append},  {"extend", extend},   {"insert", insert},
                                       {"pop", list_pop},   {"remove", remove},   {"index", index},
                                       {"count", count},    {"reverse", reverse}, {"clear", list_clear},
                                       {"copy", list_copy}, {"sort", sort}};
  static const Methods tuple_methods = {{"index", index}, {"count", count}};
  static const Methods dict_methods = {
      {"get", get},          {"items", items},    {"keys", keys},
      {"values", values},    {"update", update},  {"pop", dict_pop},
      {"clear", dict_clear}, {"copy", dict_copy}, {"setdefault", setdefault}};
  if (self.list() && self.list()->form == List::Form::lazy) return nullptr;
  const Methods& methods = self.dict()                              ? dict_methods
                           : self.list()->form == List::Form::tuple ? tuple_methods
                                                                    : list_methods;
  const auto found = methods.find(name);
  return found == methods.end() ? nullptr : found->second;
}

MethodFunction find_method(const Value& self, std::string_view name) {
  if (self.is<std::string_view>()) return find_string_method(name);
  if (self.list() || self.dict()) return find_container_method(self, name);
  return nullptr;
}

}  // namespace halcyon::jinja
