// Methods of strings, as in Python.
#include <algorithm>
#include <unordered_map>

#include "template/builtins.h"
#include "template/format.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

std::string_view text_of(const Value& self) { return *self.as<std::string_view>(); }

template <std::string (*map)(std::string_view)>
Result<Value> mapped(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("the method", arguments, {}));
  return rt.string(map(text_of(self)));
}

std::string swapcase(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Char c = char_at(text, i);
    i += c.bytes.size();
    const uint32_t upper_case = to_upper(c.code);
    if (c.code == Char::invalid)
      out += c.bytes;
    else if (c.bytes == "ß")
      out += "SS";
    else
      append_utf8(out, upper_case == c.code ? to_lower(c.code) : upper_case);
  }
  return out;
}

template <bool left, bool right>
Result<Value> strip_method(Runtime&, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("strip", arguments, {"chars"}));
  if (!bound[0] || bound[0]->is<None>()) return Value(strip(text_of(self), {}, left, right));
  TRY(const std::string_view chars, bound.string(0));
  return Value(strip(text_of(self), chars, left, right));
}

/// Fields between runs of white space; the last of them is the rest, as it is, when `most` splits are done.
List* split_spaces(Runtime& rt, std::string_view text, Int most) {
  List* out = rt.list();
  for (text = strip(text, {}, true, false); !text.empty() && most != 0 && !rt.exhausted(); --most) {
    size_t end = 0;
    while (end < text.size() && !is_space(char_at(text, end).code)) end += char_at(text, end).bytes.size();
    out->items.emplace_back(text.substr(0, end));
    text = strip(text.substr(end), {}, true, false);
    rt.charge(1);
  }
  if (!text.empty()) out->items.emplace_back(text);
  return out;
}

/// The same from the right end.
List* rsplit_spaces(Runtime& rt, std::string_view text, Int most) {
  List* out = rt.list();
  for (text = strip(text, {}, false, true); !text.empty() && most != 0 && !rt.exhausted(); --most) {
    size_t start = text.size();
    while (start > 0 && !is_space(last_char(text.substr(0, start)).code))
      start -= last_char(text.substr(0, start)).bytes.size();
    out->items.emplace_back(text.substr(start));
    text = strip(text.substr(0, start), {}, false, true);
    rt.charge(1);
  }
  if (!text.empty()) out->items.emplace_back(text);
  std::reverse(out->items.begin(), out->items.end());
  return out;
}

template <bool from_right>
Result<Value> split(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("split", arguments, {"sep", "maxsplit"}));
  TRY(Int most, bound.integer_or(1, -1));
  std::string_view text = text_of(self);
  if (!bound[0] || bound[0]->is<None>())
    return Value(from_right ? rsplit_spaces(rt, text, most) : split_spaces(rt, text, most));
  TRY(const std::string_view separator, bound.string(0));
  if (separator.empty()) return fail("split: the separator is empty");
  List* out = rt.list();
  for (; most != 0 && !rt.exhausted(); --most) {
    const size_t at = from_right ? rfind_part(text, separator) : find_part(text, separator);
    if (at == text.npos) break;
    const std::string_view before = text.substr(0, at), after = text.substr(at + separator.size());
    out->items.emplace_back(from_right ? after : before);
    text = from_right ? before : after;
    rt.charge(1);
  }
  out->items.emplace_back(text);
  if (from_right) std::reverse(out->items.begin(), out->items.end());
  return Value(out);
}

Result<Value> splitlines(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("splitlines", arguments, {"keepends"}));
  const bool keep = bound.truthy_or(0, false);
  const std::string_view text = text_of(self);
  const auto is_break = [](uint32_t c) {
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
  };
  List* out = rt.list();
  size_t start = 0;
  for (size_t at = 0; at < text.size() && !rt.exhausted();) {
    const Char c = char_at(text, at);
    const size_t end = at;
    at += c.bytes.size();
    if (!is_break(c.code)) continue;
    if (c.code == '\r' && at < text.size() && text[at] == '\n') ++at;
    out->items.emplace_back(text.substr(start, (keep ? at : end) - start));
    rt.charge(1);
    start = at;
  }
  if (start < text.size()) out->items.emplace_back(text.substr(start));
  return Value(out);
}

Result<Value> partition(Runtime& rt, const Value& self, const Arguments& arguments, bool from_right) {
  TRY(const Bound bound, bind("partition", arguments, {"sep"}, 1));
  TRY(const std::string_view separator, bound.string(0));
  if (separator.empty()) return fail("partition: the separator is empty");
  const std::string_view text = text_of(self), none;
  const size_t at = from_right ? rfind_part(text, separator) : find_part(text, separator);
  std::vector<Value> parts;
  if (at == text.npos)
    parts = from_right ? std::vector<Value>{none, none, text} : std::vector<Value>{text, none, none};
  else
    parts = {text.substr(0, at), separator, text.substr(at + separator.size())};
  return Value(rt.list(std::move(parts), List::Form::tuple));
}
Result<Value> partition_left(Runtime& rt, const Value& self, const Arguments& arguments) {
  return partition(rt, self, arguments, false);
}
Result<Value> partition_right(Runtime& rt, const Value& self, const Arguments& arguments) {
  return partition(rt, self, arguments, true);
}

/// The part of a text between the character positions `start` and `end`, and how many characters precede it.
struct Part {
  std::string_view text;
  Int start = 0;
  bool valid = true;  ///< false: it starts behind the end
};

Result<Part> part_of(std::string_view text, const Bound& bound, size_t start_index) {
  const auto missing = [&](size_t i) { return !bound[i] || bound[i]->is<None>(); };
  if (missing(start_index) && missing(start_index + 1)) return Part{text};
  const Int n = static_cast<Int>(count_chars(text));
  TRY(Int start, missing(start_index) ? Result<Int>(0) : bound.integer_or(start_index, 0));
  TRY(Int end, missing(start_index + 1) ? Result<Int>(n) : bound.integer_or(start_index + 1, n));
  if (start < 0) start = std::max<Int>(start + n, 0);
  if (end < 0) end = std::max<Int>(end + n, 0);
  end = std::min(end, n);
  if (start > end) return Part{{}, start, false};
  size_t from = 0, to = 0;
  for (Int i = 0; i < end; ++i) {
    if (i == start) from = to;
    to += char_at(text, to).bytes.size();
  }
  if (start == end) from = to;
  return Part{text.substr(from, to - from), start};
}

template <bool from_right, bool must_find>
Result<Value> find(Runtime&, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("find", arguments, {"sub", "start", "end"}, 1));
  TRY(const std::string_view wanted, bound.string(0));
  TRY(const Part part, part_of(text_of(self), bound, 1));
  const size_t at = from_right ? rfind_part(part.text, wanted) : find_part(part.text, wanted);
  if (part.valid && at != part.text.npos)
    return Value(part.start + static_cast<Int>(count_chars(part.text.substr(0, at))));
  if (must_find) return fail("index: the substring was not found");
  return Value(-1);
}

Result<Value> count(Runtime&, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("count", arguments, {"sub", "start", "end"}, 1));
  TRY(const std::string_view wanted, bound.string(0));
  TRY(const Part part, part_of(text_of(self), bound, 1));
  if (!part.valid) return Value(0);
  if (wanted.empty()) return Value(count_chars(part.text) + 1);
  Int n = 0;
  for (size_t at = 0; (at = find_part(part.text, wanted, at)) != part.text.npos; at += wanted.size()) ++n;
  return Value(n);
}

template <bool at_end>
Result<Value> has_affix(Runtime& rt, const Value& self, const Arguments& arguments) {
  const std::string_view name = at_end ? "endswith" : "startswith";
  TRY(const Bound bound, bind(name, arguments, {"affix", "start", "end"}, 1));
  TRY(const Part part, part_of(text_of(self), bound, 1));
  const auto matches = [&](std::string_view affix) {
    return part.valid && (at_end ? part.text.ends_with(affix) : part.text.starts_with(affix));
  };
  if (const List* choices = bound[0]->list(); choices && choices->form == List::Form::tuple) {
    for (const Value& choice : choices->items) {
      if (!choice.is<std::string_view>()) return fail("{} needs strings, not '{}'", name, type_name(choice));
      rt.charge(1);
      rt.charge_bytes(text_of(choice).size());
      CHECK_OK(rt.check());
      if (matches(text_of(choice))) return Value(true);
    }
    return Value(false);
  }
  TRY(const std::string_view affix, bound.string(0));
  return Value(matches(affix));
}

Result<Value> remove_prefix(Runtime&, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("removeprefix", arguments, {"prefix"}, 1));
  TRY(const std::string_view prefix, bound.string(0));
  const std::string_view text = text_of(self);
  return Value(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

Result<Value> remove_suffix(Runtime&, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("removesuffix", arguments, {"suffix"}, 1));
  TRY(const std::string_view suffix, bound.string(0));
  const std::string_view text = text_of(self);
  return Value(text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text);
}

Result<Value> replace_method(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("replace", arguments, {"old", "new", "count"}, 2));
  TRY(const std::string_view from, bound.string(0));
  TRY(const std::string_view to, bound.string(1));
  TRY(const Int times, bound.integer_or(2, -1));
  return replaced(rt, text_of(self), from, to, times);
}

Result<Value> join(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("join", arguments, {"iterable"}, 1));
  TRY(const std::vector<Value> items, iterate(rt, *bound[0]));
  const std::string_view separator = text_of(self);
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is<std::string_view>())
      return fail("join: item {} is no string but '{}'", i, type_name(items[i]));
    CHECK_OK(rt.reserve(static_cast<Int>(text_of(items[i]).size() + separator.size())));
    if (i) out += separator;
    out += text_of(items[i]);
  }
  CHECK_OK(rt.reserve(static_cast<Int>(out.size())));
  return rt.string(out);
}

Result<Value> format(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const std::string text, format_braces(rt, text_of(self), arguments));
  return rt.string(text);
}

/// isalpha and its kin: not empty, and every character of the class.
template <bool (*in_class)(uint32_t)>
Result<Value> all_in_class(Runtime& rt, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("the method", arguments, {}));
  const std::string_view text = text_of(self);
  rt.charge_bytes(text.size());
  for (size_t i = 0; i < text.size();) {
    const Char c = char_at(text, i);
    if (!in_class(c.code)) return Value(false);
    i += c.bytes.size();
  }
  return Value(!text.empty());
}

bool is_alphanumeric(uint32_t c) { return is_alpha(c) || is_digit(c); }

/// isupper and islower are the tests `upper` and `lower`.
template <bool upper_case>
Result<Value> is_case(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const bool holds, find_test(upper_case ? "upper" : "lower")(rt, self, arguments));
  return Value(holds);
}

Result<Value> istitle(Runtime&, const Value& self, const Arguments& arguments) {
  CHECK_OK(bind("istitle", arguments, {}));
  return Value(title(text_of(self)) == text_of(self) && lower(text_of(self)) != text_of(self));
}

/// Pads to a width on one side, after a sign if there is one (zfill).
Result<Value> pad(Runtime& rt, const Value& self, Int width, std::string_view fill, bool at_left,
                  bool skip_sign) {
  const std::string_view text = text_of(self);
  const Int missing = width - static_cast<Int>(count_chars(text));
  if (missing <= 0) return self;
  CHECK_OK(rt.reserve(static_cast<Int>(text.size()) + missing * static_cast<Int>(fill.size())));
  std::string padding;
  for (Int i = 0; i < missing; ++i) padding += fill;
  std::string out(text);
  const bool has_sign = skip_sign && (text.starts_with('-') || text.starts_with('+'));
  out.insert(at_left ? has_sign : out.size(), padding);
  return rt.string(out);
}

template <bool at_left>
Result<Value> justify(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("just", arguments, {"width", "fillchar"}, 1));
  TRY(const Int width, bound.integer_or(0, 0));
  TRY(const std::string_view fill, bound.string_or(1, " "));
  if (count_chars(fill) != 1) return fail("just: 'fillchar' must be one character");
  return pad(rt, self, width, fill, at_left, false);
}

Result<Value> center(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("center", arguments, {"width", "fillchar"}, 1));
  TRY(const Int width, bound.integer_or(0, 0));
  TRY(const std::string_view fill, bound.string_or(1, " "));
  if (count_chars(fill) != 1) return fail("center: 'fillchar' must be one character");
  return centered(rt, text_of(self), width, fill);
}

Result<Value> zfill(Runtime& rt, const Value& self, const Arguments& arguments) {
  TRY(const Bound bound, bind("zfill", arguments, {"width"}, 1));
  TRY(const Int width, bound.integer_or(0, 0));
  return pad(rt, self, width, "0", true, true);
}

}  // namespace

MethodFunction find_string_method(std::string_view name) {
  static const std::unordered_map<std::string_view, MethodFunction> methods = {
      {"strip", strip_method<true, true>},
      {"lstrip", strip_method<true, false>},
      {"rstrip", strip_method<false, true>},
      {"split", split<false>},
      {"rsplit", split<true>},
      {"splitlines", splitlines},
      {"partition", partition_left},
      {"rpartition", partition_right},
      {"startswith", has_affix<false>},
      {"endswith", has_affix<true>},
      {"removeprefix", remove_prefix},
      {"removesuffix", remove_suffix},
      {"upper", mapped<upper>},
      {"lower", mapped<lower>},
      {"casefold", mapped<lower>},
      {"title", mapped<title>},
      {"capitalize", mapped<capitalize>},
      {"swapcase", mapped<swapcase>},
      {"replace", replace_method},
      {"find", find<false, false>},
      {"rfind", find<true, false>},
      {"index", find<false, true>},
      {"rindex", find<true, true>},
      {"count", count},
      {"join", join},
      {"format", format},
      {"isalpha", all_in_class<is_alpha>},
      {"isdigit", all_in_class<is_digit>},
      {"isdecimal", all_in_class<is_digit>},
      {"isnumeric", all_in_class<is_digit>},
      {"isalnum", all_in_class<is_alphanumeric>},
      {"isspace", all_in_class<is_space>},
      {"isupper", is_case<true>},
      {"islower", is_case<false>},
      {"istitle", istitle},
      {"ljust", justify<false>},
      {"rjust", justify<true>},
      {"center", center},
      {"zfill", zfill},
  };
  const auto found = methods.find(name);
  return found == methods.end() ? nullptr : found->second;
}

}  // namespace halcyon::jinja
