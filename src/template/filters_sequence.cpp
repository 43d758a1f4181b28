// Filters over sequences and dicts.
#include <algorithm>
#include <functional>
#include <unordered_map>

#include "base/quote.h"
#include "template/builtins.h"
#include "template/operators.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

/// How filters look into the elements: by a path such as "function.name", or not at all.
class Getter {
 public:
  Getter() = default;
  Getter(Runtime& rt, const Value* path, const Value* fallback = nullptr) : fallback_(fallback) {
    if (!path || path->is<None>()) return;
    const auto* text = path->as<std::string_view>();
    if (!text) {
      keys_.push_back(*path);
      return;
    }
    for (size_t start = 0; start <= text->size() && !rt.exhausted();) {
      rt.charge(1);
      const size_t end = std::min(text->find('.', start), text->size());
      const std::string_view part = text->substr(start, end - start);
      const bool number =
          !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == part.npos;
      keys_.push_back(number ? Value(std::stoi(std::string(part))) : Value(part));
      start = end + 1;
    }
  }

  Result<Value> operator()(Runtime& rt, Value value) const {
    for (const Value& key : keys_) {
      rt.charge(1);
      CHECK_OK(rt.check());
      TRY(value, item(rt, value, key));
      if (fallback_ && value.is<Undefined>()) value = *fallback_;
    }
    return value;
  }

 private:
  std::vector<Value> keys_;
  const Value* fallback_ = nullptr;
};

/// Text in lower case unless case counts; for sorting and grouping.
Result<Value> fold(Runtime& rt, const Value& value, bool case_sensitive) {
  const auto* text = value.as<std::string_view>();
  if (!text || case_sensitive) return value;
  CHECK_OK(rt.reserve(static_cast<Int>(text->size())));
  return rt.string(lower(*text));
}

struct Keyed {
  Value key, value;
};

Result<void> sort_keyed(Runtime& rt, std::vector<Keyed>& items, bool reverse) {
  std::optional<Error> error;
  // After an error nothing is less than anything, which ends the sort quickly and safely.
  std::stable_sort(items.begin(), items.end(), [&](const Keyed& a, const Keyed& b) {
    if (error) return false;
    auto order = reverse ? less(rt, b.key, a.key) : less(rt, a.key, b.key);
    if (!order) error = order.error();
    return order && *order;
  });
  if (error) return std::unexpected(std::move(*error));
  return {};
}

Result<std::vector<Keyed>> keyed(Runtime& rt, const Value& subject, const Getter& getter,
                                 bool case_sensitive) {
  TRY(const std::vector<Value> items, iterate(rt, subject));
  std::vector<Keyed> out;
  for (const Value& value : items) {
    TRY(const Value found, getter(rt, value));
    TRY(const Value key, fold(rt, found, case_sensitive));
    out.push_back({key, value});
  }
  return out;
}

Value list_of(Runtime& rt, const std::vector<Keyed>& items) {
  List* list = rt.list();
  rt.charge(items.size());
  for (const Keyed& k : items) list->items.push_back(k.value);
  return Value(list);
}

Result<Value> sort(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  const bool case_sensitive = bound.truthy_or(1, false);
  const auto* path = bound[2] ? bound[2]->as<std::string_view>() : nullptr;
  if (!path || path->find(',') == path->npos) {
    TRY(std::vector<Keyed> items, keyed(rt, subject, Getter(rt, bound[2]), case_sensitive));
    CHECK_OK(sort_keyed(rt, items, bound.truthy_or(0, false)));
    return list_of(rt, items);
  }
  // Several attributes: the keys are tuples.
  TRY(std::vector<Keyed> items, keyed(rt, subject, Getter(), true));
  for (Keyed& k : items) k.key = Value(rt.list(List::Form::tuple));
  for (size_t start = 0; start <= path->size();) {
    const size_t end = std::min(path->find(',', start), path->size());
    const Value part(path->substr(start, end - start));
    const Getter getter(rt, &part);
    for (Keyed& k : items) {
      TRY(const Value found, getter(rt, k.value));
      TRY(const Value key, fold(rt, found, case_sensitive));
      k.key.list()->items.push_back(key);
    }
    start = end + 1;
  }
  CHECK_OK(sort_keyed(rt, items, bound.truthy_or(0, false)));
  return list_of(rt, items);
}

Result<Value> unique(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("unique", arguments, {"case_sensitive", "attribute"}));
  TRY(const std::vector<Keyed> items, keyed(rt, subject, Getter(rt, bound[1]), bound.truthy_or(0, false)));
  Dict seen;
  List* out = rt.list(List::Form::lazy);
  for (const Keyed& k : items) {
    TRY(const bool comparable, hashable(rt, k.key));
    if (!comparable) return fail("unique: '{}' cannot be compared by hash", type_name(k.key));
    if (seen.find(rt, k.key)) continue;
    rt.charge(4);
    seen.set(rt, k.key, k.key);
    out->items.push_back(k.value);
  }
  return Value(out);
}

/// min and max: the first element that no other one beats.
Result<Value> extreme(Runtime& rt, const Value& subject, const Arguments& arguments, bool greatest) {
  TRY(const Bound bound, bind(greatest ? "max" : "min", arguments, {"case_sensitive", "attribute"}));
  TRY(const std::vector<Keyed> items, keyed(rt, subject, Getter(rt, bound[1]), bound.truthy_or(0, false)));
  if (items.empty()) return Value(Undefined{"No aggregated item, sequence was empty."});
  size_t best = 0;
  for (size_t i = 1; i < items.size(); ++i) {
    TRY(const bool better,
        greatest ? less(rt, items[best].key, items[i].key) : less(rt, items[i].key, items[best].key));
    if (better) best = i;
  }
  return items[best].value;
}
Result<Value> min(Runtime& rt, const Value& subject, const Arguments& arguments) {
  return extreme(rt, subject, arguments, false);
}
Result<Value> max(Runtime& rt, const Value& subject, const Arguments& arguments) {
  return extreme(rt, subject, arguments, true);
}

Result<Value> sum(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("sum", arguments, {"attribute", "start"}));
  const Getter getter(rt, bound[0]);
  TRY(const std::vector<Value> items, iterate(rt, subject));
  Value total = bound[1] ? *bound[1] : Value(0);
  for (const Value& element : items) {
    TRY(const Value value, getter(rt, element));
    TRY(total, add(rt, total, value));
  }
  return total;
}

Result<Value> join(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("join", arguments, {"d", "attribute"}));
  const Getter getter(rt, bound[1]);
  TRY(const std::string separator, bound[0] ? to_string(rt, *bound[0]) : Result<std::string>(""));
  TRY(const std::vector<Value> items, iterate(rt, subject));
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    TRY(const Value value, getter(rt, items[i]));
    TRY(const std::string text, to_string(rt, value));
    CHECK_OK(rt.reserve(static_cast<Int>(text.size() + separator.size())));
    if (i) out += separator;
    out += text;
  }
  CHECK_OK(rt.reserve(static_cast<Int>(out.size())));
  return rt.string(out);
}

Result<Value> first(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("first", arguments, {}));
  TRY(const std::vector<Value> items, iterate(rt, subject));
  return items.empty() ? Value(Undefined{"No first item, sequence was empty."}) : items.front();
}

Result<Value> last(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("last", arguments, {}));
  TRY(const std::vector<Value> items, iterate(rt, subject));
  return items.empty() ? Value(Undefined{"No last item, sequence was empty."}) : items.back();
}

Result<Value> list(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("list", arguments, {}));
  TRY(std::vector<Value> items, iterate(rt, subject));
  return Value(rt.list(std::move(items)));
}

Result<Value> reverse(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("reverse", arguments, {}));
  TRY(std::vector<Value> items, iterate(rt, subject));
  std::reverse(items.begin(), items.end());
  if (!subject.is<std::string_view>()) return Value(rt.list(std::move(items), List::Form::lazy));
  std::string out;
  for (const Value& c : items) out += *c.as<std::string_view>();
  return rt.string(out);
}

Result<Value> default_filter(Runtime&, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("default", arguments, {"default_value", "boolean"}));
  const bool missing = subject.is<Undefined>() || (bound.truthy_or(1, false) && !truthy(subject));
  if (!missing) return subject;
  return bound[0] ? *bound[0] : Value(std::string_view());
}

Result<Value> items(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("items", arguments, {}));
  if (subject.is<Undefined>()) return Value(rt.list(List::Form::lazy));
  if (!subject.dict()) return fail("items needs a dict, not '{}'", type_name(subject));
  List* out = rt.list(List::Form::lazy);
  for (const auto& [key, value] : subject.dict()->entries())
    out->items.emplace_back(rt.list({key, value}, List::Form::tuple));
  return Value(out);
}

Result<Value> dictsort(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  TRY(const std::string_view by, bound.string_or(1, "key"));
  if (by != "key" && by != "value") return fail("dictsort: 'by' must be 'key' or 'value'");
  if (!subject.dict()) return fail("dictsort needs a dict, not '{}'", type_name(subject));
  std::vector<Keyed> entries;
  for (const auto& [key, value] : subject.dict()->entries()) {
    TRY(const Value folded, fold(rt, by == "key" ? key : value, bound.truthy_or(0, false)));
    entries.push_back({folded, Value(rt.list({key, value}, List::Form::tuple))});
  }
  CHECK_OK(sort_keyed(rt, entries, bound.truthy_or(2, false)));
  return list_of(rt, entries);
}

Result<Value> groupby(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("groupby", arguments, {"attribute", "default", "case_sensitive"}, 1));
  const Getter getter(rt, bound[0], bound[1]);
  TRY(std::vector<Keyed> entries, keyed(rt, subject, getter, bound.truthy_or(2, false)));
  CHECK_OK(sort_keyed(rt, entries, false));
  List* groups = rt.list();
  for (size_t i = 0; i < entries.size();) {
    CHECK_OK(rt.check());
    List* members = rt.list();
    TRY(const Value name, getter(rt, entries[i].value));
    const Value key = entries[i].key;
    do {
      members->items.push_back(entries[i++].value);
    } while (i < entries.size() && equal(rt, entries[i].key, key));
    groups->items.emplace_back(rt.list({name, Value(members)}, List::Form::tuple));
  }
  return Value(groups);
}

Result<Value> batch(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("batch", arguments, {"linecount", "fill_with"}, 1));
  TRY(const Int size, bound.integer_or(0, 1));
  if (size < 1) return fail("batch: 'linecount' must be positive");
  TRY(const std::vector<Value> values, iterate(rt, subject));
  List* out = rt.list(List::Form::lazy);
  for (size_t i = 0; i < values.size();) {
    CHECK_OK(rt.check());
    List* row = rt.list();
    for (; i < values.size() && static_cast<Int>(row->items.size()) < size; ++i)
      row->items.push_back(values[i]);
    if (bound[1] && !bound[1]->is<None>()) {
      CHECK_OK(rt.reserve_items(size - static_cast<Int>(row->items.size())));
      row->items.resize(static_cast<size_t>(size), *bound[1]);
    }
    out->items.emplace_back(row);
  }
  return Value(out);
}

Result<Value> slice_filter(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("slice", arguments, {"slices", "fill_with"}, 1));
  TRY(const Int count, bound.integer_or(0, 1));
  if (count < 1) return fail("slice: 'slices' must be positive");
  CHECK_OK(rt.reserve_items(count));
  TRY(const std::vector<Value> values, iterate(rt, subject));
  const size_t n = static_cast<size_t>(count), per_slice = values.size() / n, longer = values.size() % n;
  List* out = rt.list(List::Form::lazy);
  for (size_t i = 0, at = 0; i < n; ++i) {
    CHECK_OK(rt.check());
    List* column = rt.list();
    for (size_t k = per_slice + (i < longer); k > 0; --k) column->items.push_back(values[at++]);
    if (bound[1] && !bound[1]->is<None>() && i >= longer) column->items.push_back(*bound[1]);
    out->items.emplace_back(column);
  }
  return Value(out);
}

/// The arguments behind the first `n` positional ones.
Arguments rest_of(const Arguments& arguments, size_t n) {
  Arguments rest{{}, arguments.named};
  if (arguments.positional.size() > n)
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(n),
                           arguments.positional.end());
  return rest;
}

Result<Value> map(Runtime& rt, const Value& subject, const Arguments& arguments) {
  // map('map', 'map', …) goes one level deeper for each of them.
  if (arguments.positional.size() > limits::value_depth)
    return fail("map takes at most {} arguments", limits::value_depth);
  TRY(const std::vector<Value> values, iterate(rt, subject));
  List* out = rt.list(List::Form::lazy);
  if (arguments.positional.empty()) {
    TRY(const Bound bound, bind("map", arguments, {"attribute", "default"}, 1));
    const Getter getter(rt, bound[0], bound[1]);
    for (const Value& element : values) {
      TRY(const Value value, getter(rt, element));
      out->items.push_back(value);
    }
    return Value(out);
  }
  const auto* name = arguments.positional[0].as<std::string_view>();
  const FilterFunction filter = name ? find_filter(*name) : nullptr;
  if (!filter)
    return fail("map: there is no filter named {}", quote(name ? *name : type_name(arguments.positional[0])));
  const Arguments rest = rest_of(arguments, 1);
  for (const Value& element : values) {
    CHECK_OK(rt.charge_call(element, rest));
    TRY(const Value value, filter(rt, element, rest));
    out->items.push_back(value);
  }
  return Value(out);
}

/// select, reject, selectattr and rejectattr: keeps the elements for which a test gives `wanted`.
template <bool wanted, bool by_attribute>
Result<Value> choose(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const std::vector<Value> values, iterate(rt, subject));
  const std::vector<Value>& given = arguments.positional;
  if (by_attribute && given.empty()) return fail("selectattr and rejectattr need the name of an attribute");
  const Getter getter = by_attribute ? Getter(rt, &given[0]) : Getter();
  constexpr size_t at = by_attribute ? 1 : 0;
  TestFunction test = nullptr;
  if (given.size() > at) {
    const auto* name = given[at].as<std::string_view>();
    test = name ? find_test(*name) : nullptr;
    if (!test) return fail("there is no test named {}", quote(name ? *name : type_name(given[at])));
  }
  const Arguments rest = rest_of(arguments, at + 1);
  List* out = rt.list(List::Form::lazy);
  for (const Value& element : values) {
    TRY(const Value value, getter(rt, element));
    CHECK_OK(rt.charge_call(value, rest));
    TRY(const bool holds, test ? test(rt, value, rest) : Result<bool>(truthy(value)));
    if (holds == wanted) out->items.push_back(element);
  }
  return Value(out);
}

}  // namespace

FilterFunction find_sequence_filter(std::string_view name) {
  static const std::unordered_map<std::string_view, FilterFunction> filters = {
      {"sort", sort},
      {"unique", unique},
      {"min", min},
      {"max", max},
      {"sum", sum},
      {"join", join},
      {"first", first},
      {"last", last},
      {"list", list},
      {"reverse", reverse},
      {"default", default_filter},
      {"d", default_filter},
      {"items", items},
      {"dictsort", dictsort},
      {"groupby", groupby},
      {"batch", batch},
      {"slice", slice_filter},
      {"map", map},
      {"select", choose<true, false>},
      {"reject", choose<false, false>},
      {"selectattr", choose<true, true>},
      {"rejectattr", choose<false, true>},
  };
  const auto found = filters.find(name);
  return found == filters.end() ? nullptr : found->second;
}

}  // namespace halcyon::jinja
