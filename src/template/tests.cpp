// Tests: what stands behind `is`.
#include <unordered_map>

#include "template/builtins.h"
#include "template/operators.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

using Check = bool (*)(const Value&);

/// A test of the subject alone.
template <Check check>
Result<bool> alone(Runtime&, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("the test", arguments, {}));
  return check(subject);
}

Result<Bound> other(const Arguments& arguments) { return bind("the test", arguments, {"other"}, 1); }

Result<bool> is_eq(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, other(arguments));
  return equal(rt, subject, *bound[0]);
}

Result<bool> is_ne(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const bool same, is_eq(rt, subject, arguments));
  return !same;
}

Result<bool> is_lt(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, other(arguments));
  return less(rt, subject, *bound[0]);
}

Result<bool> is_gt(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, other(arguments));
  return less(rt, *bound[0], subject);
}

Result<bool> is_le(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const bool below, is_lt(rt, subject, arguments));
  return below || equal(rt, subject,
                        arguments.positional.empty() ? arguments.named[0].second : arguments.positional[0]);
}

Result<bool> is_ge(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const bool above, is_gt(rt, subject, arguments));
  return above || equal(rt, subject,
                        arguments.positional.empty() ? arguments.named[0].second : arguments.positional[0]);
}

Result<bool> is_in(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("the test", arguments, {"seq"}, 1));
  return contains(rt, *bound[0], subject);
}

Result<bool> is_same(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, other(arguments));
  if (subject.data.index() != bound[0]->data.index()) return false;
  if (subject.list()) return subject.list() == bound[0]->list();
  if (subject.dict()) return subject.dict() == bound[0]->dict();
  return equal(rt, subject, *bound[0]);
}

Result<bool> divides(Runtime& rt, const Value& subject, const Value& by) {
  TRY(const Value rest, modulo(rt, subject, by));
  return is_number(rest) && real_of(rest) == 0;
}

Result<bool> is_divisible(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("the test", arguments, {"num"}, 1));
  return divides(rt, subject, *bound[0]);
}

Result<bool> is_even(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("the test", arguments, {}));
  return divides(rt, subject, Value(2));
}

Result<bool> is_odd(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const bool even, is_even(rt, subject, arguments));
  return !even;
}

template <bool upper_case>
Result<bool> is_case(Runtime& rt, const Value& subject, const Arguments&) {
  TRY(const std::string text, to_string(rt, subject));
  bool cased = false;
  for (size_t i = 0; i < text.size();) {
    const Char c = char_at(text, i);
    i += c.bytes.size();
    if (c.code == Char::invalid) continue;
    if (upper_case ? is_lower(c.code) : is_upper(c.code)) return false;
    cased |= upper_case ? is_upper(c.code) : is_lower(c.code);
  }
  return cased;
}

Result<bool> is_filter(Runtime&, const Value& subject, const Arguments&) {
  return subject.is<std::string_view>() && find_filter(*subject.as<std::string_view>());
}

Result<bool> is_test(Runtime&, const Value& subject, const Arguments&) {
  return subject.is<std::string_view>() && find_test(*subject.as<std::string_view>());
}

template <class T>
bool is_a(const Value& v) {
  return v.is<T>();
}
bool is_defined(const Value& v) { return !v.is<Undefined>(); }
bool is_true(const Value& v) { return v.is<bool>() && *v.as<bool>(); }
bool is_false(const Value& v) { return v.is<bool>() && !*v.as<bool>(); }
bool is_callable(const Value& v) { return v.object() && v.object()->callable(); }
bool is_escaped(const Value&) { return false; }  // text is never marked as HTML

bool is_iterable(const Value& v) {
  return v.list() || v.dict() || v.is<std::string_view>() || v.is<Undefined>();
}

bool is_sequence(const Value& v) {
  return is_iterable(v) && !(v.list() && v.list()->form == List::Form::lazy);
}

}  // namespace

TestFunction find_test(std::string_view name) {
  static const std::unordered_map<std::string_view, TestFunction> tests = {
      {"defined", alone<is_defined>},
      {"undefined", alone<is_a<Undefined>>},
      {"none", alone<is_a<None>>},
      {"string", alone<is_a<std::string_view>>},
      {"number", alone<is_number>},
      {"integer", alone<is_a<Int>>},
      {"float", alone<is_a<double>>},
      {"boolean", alone<is_a<bool>>},
      {"true", alone<is_true>},
      {"false", alone<is_false>},
      {"mapping", alone<is_a<Dict*>>},
      {"iterable", alone<is_iterable>},
      {"sequence", alone<is_sequence>},
      {"callable", alone<is_callable>},
      {"escaped", alone<is_escaped>},
      {"odd", is_odd},
      {"even", is_even},
      {"divisibleby", is_divisible},
      {"eq", is_eq},
      {"equalto", is_eq},
      {"==", is_eq},
      {"ne", is_ne},
      {"!=", is_ne},
      {"lt", is_lt},
      {"lessthan", is_lt},
      {"<", is_lt},
      {"le", is_le},
      {"<=", is_le},
      {"gt", is_gt},
      {"greaterthan", is_gt},
      {">", is_gt},
      {"ge", is_ge},
      {">=", is_ge},
      {"in", is_in},
      {"sameas", is_same},
      {"lower", is_case<false>},
      {"upper", is_case<true>},
      {"filter", is_filter},
      {"test", is_test},
  };
  const auto found = tests.find(name);
  return found == tests.end() ? nullptr : found->second;
}

}  // namespace halcyon::jinja
