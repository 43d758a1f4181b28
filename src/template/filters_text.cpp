// Filters that make text or numbers of one value.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "template/builtins.h"
#include "template/format.h"
#include "template/json.h"
#include "template/operators.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

/// A filter of text without arguments.
template <std::string (*map)(std::string_view)>
Result<Value> mapped(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("the filter", arguments, {}));
  TRY(const std::string text, to_string(rt, subject));
  return rt.string(map(text));
}

Result<Value> to_text(Runtime& rt, const Value& subject) {
  if (subject.is<std::string_view>()) return subject;
  TRY(const std::string text, to_string(rt, subject));
  return rt.string(text);
}

Result<std::string_view> text_of(Runtime& rt, const Value& subject) {
  TRY(const Value text, to_text(rt, subject));
  return *text.as<std::string_view>();
}

Result<Value> string_filter(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("the filter", arguments, {}));
  return to_text(rt, subject);
}

Result<Value> trim(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("trim", arguments, {"chars"}));
  TRY(const std::string_view text, text_of(rt, subject));
  if (!bound[0] || bound[0]->is<None>()) return Value(strip(text));
  TRY(const std::string_view chars, bound.string(0));
  return Value(strip(text, chars));
}

/// Words start at the text's start and after -, white space and opening brackets.
std::string title_words(std::string_view text) {
  std::string out;
  bool start = true;
  for (size_t i = 0; i < text.size();) {
    const Char c = char_at(text, i);
    i += c.bytes.size();
    const uint32_t mapped = start ? to_upper(c.code) : to_lower(c.code);
    if (c.code == Char::invalid)
      out += c.bytes;
    else
      append_utf8(out, mapped);
    start = is_space(c.code) ||
            (c.code < 0x80 && std::string_view("-({[<").find(c.bytes[0]) != std::string_view::npos);
  }
  return out;
}

/// What HTML writes for a character that means something to it; empty for any other.
std::string_view html_entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&#34;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

Result<Value> escape(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("escape", arguments, {}));
  TRY(const std::string_view text, text_of(rt, subject));
  Int size = 0;
  for (const char c : text) size += static_cast<Int>(std::max<size_t>(html_entity(c).size(), 1));
  CHECK_OK(rt.reserve(size));
  std::string out;
  for (const char c : text) {
    const std::string_view entity = html_entity(c);
    out += entity.empty() ? std::string_view(&c, 1) : entity;
  }
  return rt.string(out);
}

Result<Value> replace_filter(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("replace", arguments, {"old", "new", "count"}, 2));
  TRY(const std::string_view text, text_of(rt, subject));
  TRY(const std::string_view from, text_of(rt, *bound[0]));
  TRY(const std::string_view to, text_of(rt, *bound[1]));
  TRY(const Int count, bound[2] && bound[2]->is<None>() ? Result<Int>(-1) : bound.integer_or(2, -1));
  return replaced(rt, text, from, to, count);
}

Result<Value> length(Runtime&, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("length", arguments, {}));
  if (const auto* text = subject.as<std::string_view>()) return Value(count_chars(*text));
  if (const List* list = subject.list(); list && list->form != List::Form::lazy)
    return Value(list->items.size());
  if (const Dict* dict = subject.dict()) return Value(dict->size());
  if (subject.is<Undefined>()) return Value(0);
  return fail("'{}' has no length", type_name(subject));
}

/// The number a text spells as Python's int() or float() reads it.
std::optional<Int> parse_integer(std::string_view text, Int base) {
  text = strip(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto prefix = [&](char letter) {
    return text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == letter;
  };
  if ((base == 16 && prefix('x')) || (base == 8 && prefix('o')) || (base == 2 && prefix('b')))
    text.remove_prefix(2);
  if (text.empty() || text.front() == '_' || text.back() == '_') return std::nullopt;
  Int value = 0;
  for (const char c : text) {
    if (c == '_') continue;
    const char low = static_cast<char>(c | 0x20);
    const int digit = is_digit(static_cast<unsigned char>(c)) ? c - '0'
                      : low >= 'a' && low <= 'z'              ? low - 'a' + 10
                                                              : 99;
    if (digit >= base || __builtin_mul_overflow(value, base, &value) ||
        __builtin_add_overflow(value, digit, &value))
      return std::nullopt;
  }
  return negative ? -value : value;
}

std::optional<double> parse_real(std::string_view text) {
  text = strip(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<Int> truncated(double value) {
  if (!(std::fabs(value) < 1e38)) return std::nullopt;
  return static_cast<Int>(value);
}

Result<Value> int_filter(Runtime&, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("int", arguments, {"default", "base"}));
  TRY(const Int base, bound.integer_or(1, 10));
  const Value fallback = bound[0] ? *bound[0] : Value(0);
  std::optional<Int> value;
  if (is_integral(subject)) value = integer_of(subject);
  if (subject.is<double>()) value = truncated(*subject.as<double>());
  if (const auto* text = subject.as<std::string_view>()) {
    value = parse_integer(*text, base);
    if (const auto real = parse_real(*text); !value && real) value = truncated(*real);
  }
  return value ? Value(*value) : fallback;
}

Result<Value> float_filter(Runtime&, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("float", arguments, {"default"}));
  if (is_number(subject)) return Value(real_of(subject));
  if (const auto* text = subject.as<std::string_view>())
    if (const auto value = parse_real(*text)) return Value(*value);
  return bound[0] ? *bound[0] : Value(0.0);
}

Result<Value> abs_filter(Runtime&, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("abs", arguments, {}));
  if (is_integral(subject)) return integer_of(subject) < 0 ? negate(subject) : Value(integer_of(subject));
  if (subject.is<double>()) return Value(std::fabs(*subject.as<double>()));
  return fail("abs needs a number, not '{}'", type_name(subject));
}

Result<Value> round_filter(Runtime&, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("round", arguments, {"precision", "method"}));
  TRY(const Int precision, bound.integer_or(0, 0));
  TRY(const std::string_view method, bound.string_or(1, "common"));
  if (!is_number(subject)) return fail("round needs a number, not '{}'", type_name(subject));
  if (precision < -300 || precision > 300) return fail("round: the precision {} is out of range", precision);
  if (method != "common" && method != "ceil" && method != "floor")
    return fail("round: the method must be common, ceil or floor");
  const double value = real_of(subject);
  const double scale = std::pow(10.0, static_cast<double>(precision));
  if (method == "ceil") return Value(std::ceil(value * scale) / scale);
  if (method == "floor") return Value(std::floor(value * scale) / scale);
  if (is_integral(subject) && precision >= 0) return subject;
  if (precision < 0 || !std::isfinite(value)) {
    const double rounded = std::isfinite(value) ? std::nearbyint(value * scale) / scale : value;
    return is_integral(subject) ? Value(truncated(rounded).value_or(integer_of(subject))) : Value(rounded);
  }
  // The exact decimal expansion rounds half to even, as Python's round() does.
  return Value(*parse_real(fmt::format("{:.{}f}", value, static_cast<int>(precision))));
}

Result<Value> tojson(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style{.ascii_only = bound.truthy_or(0, false), .sort_keys = bound.truthy_or(3, false)};
  if (bound[1] && bound[1]->is<std::string_view>()) {
    style.indent = std::string(*bound[1]->as<std::string_view>());
  } else if (bound[1] && !bound[1]->is<None>()) {
    TRY(const Int width, bound.integer_or(1, 0));
    if (width > 1000) return fail("tojson: the indent {} is too wide", width);
    style.indent = std::string(static_cast<size_t>(std::max<Int>(width, 0)), ' ');
  }
  if (style.indent) style.item_separator = ",";
  if (bound[2] && !bound[2]->is<None>()) {
    const List* pair = bound[2]->list();
    if (!pair || pair->items.size() != 2 || !pair->items[0].is<std::string_view>() ||
        !pair->items[1].is<std::string_view>())
      return fail("tojson: 'separators' must be two strings");
    style.item_separator = *pair->items[0].as<std::string_view>();
    style.key_separator = *pair->items[1].as<std::string_view>();
  }
  TRY(const std::string text, to_json(rt, subject, style));
  return rt.string(text);
}

Result<Value> pprint(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("pprint", arguments, {}));
  TRY(const std::string text, repr(rt, subject));
  return rt.string(text);
}

Result<Value> indent(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("indent", arguments, {"width", "first", "blank"}));
  TRY(const std::string_view text, text_of(rt, subject));
  std::string pad(4, ' ');
  if (bound[0] && bound[0]->is<std::string_view>()) {
    pad = *bound[0]->as<std::string_view>();
  } else {
    TRY(const Int width, bound.integer_or(0, 4));
    if (width > 1000) return fail("indent: the width {} is too large", width);
    pad.assign(static_cast<size_t>(std::max<Int>(width, 0)), ' ');
  }
  const bool first = bound.truthy_or(1, false), blank = bound.truthy_or(2, false);
  const Int lines = std::count(text.begin(), text.end(), '\n') + 1;
  CHECK_OK(rt.reserve(static_cast<Int>(text.size()) + lines * static_cast<Int>(pad.size())));
  std::string out;
  bool is_first = true;
  for (size_t start = 0; start <= text.size(); is_first = false) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    if (!is_first) out += '\n';
    if (is_first ? first : blank || !line.empty()) out += pad;
    out += line;
    start = end + 1;
  }
  return rt.string(out);
}

Result<Value> center(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("center", arguments, {"width"}));
  TRY(const Int width, bound.integer_or(0, 80));
  TRY(const std::string_view text, text_of(rt, subject));
  return centered(rt, text, width, " ");
}

Result<Value> truncate(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const Bound bound, bind("truncate", arguments, {"length", "killwords", "end", "leeway"}));
  TRY(const Int length, bound.integer_or(0, 255));
  TRY(const std::string_view end, bound.string_or(2, "..."));
  TRY(const Int leeway, bound.integer_or(3, 5));
  TRY(const std::string_view text, text_of(rt, subject));
  const Int end_length = static_cast<Int>(count_chars(end));
  if (length < end_length || leeway < 0) return fail("truncate: the length {} is too small", length);
  if (static_cast<Int>(count_chars(text)) <= length + leeway) return Value(text);
  size_t bytes = 0;
  for (Int i = 0; i < length - end_length; ++i) bytes += char_at(text, bytes).bytes.size();
  std::string_view kept = text.substr(0, bytes);
  if (!bound.truthy_or(1, false)) kept = kept.substr(0, kept.rfind(' '));
  return rt.concat(kept, end);
}

Result<Value> wordcount(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("wordcount", arguments, {}));
  TRY(const std::string_view text, text_of(rt, subject));
  size_t words = 0;
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const Char c = char_at(text, i);
    i += c.bytes.size();
    const bool word = is_alpha(c.code) || is_digit(c.code) || c.code == '_';
    words += word && !std::exchange(inside, word);
    inside = word;
  }
  return Value(words);
}

/// Percent-encodes a path, or a part of a query, where a space is written as '+'.
Result<void> append_quoted_url(Runtime& rt, std::string& out, std::string_view text, bool query) {
  CHECK_OK(rt.reserve(static_cast<Int>(3 * text.size())));
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (is_alpha(byte) || is_digit(byte) ||
                                       std::string_view("_.-~").find(c) != std::string_view::npos);
    if (plain || (!query && c == '/'))
      out += c;
    else if (query && c == ' ')
      out += '+';
    else
      out += fmt::format("%{:02X}", byte);
  }
  return {};
}

Result<Value> urlencode(Runtime& rt, const Value& subject, const Arguments& arguments) {
  CHECK_OK(bind("urlencode", arguments, {}));
  std::string out;
  if (const Dict* dict = subject.dict()) {
    for (const auto& [key, value] : dict->entries()) {
      TRY(const std::string_view name, text_of(rt, key));
      TRY(const std::string_view content, text_of(rt, value));
      if (!out.empty()) out += '&';
      CHECK_OK(append_quoted_url(rt, out, name, true));
      out += '=';
      CHECK_OK(append_quoted_url(rt, out, content, true));
    }
  } else {
    TRY(const std::string_view text, text_of(rt, subject));
    CHECK_OK(append_quoted_url(rt, out, text, false));
  }
  return rt.string(out);
}

Result<Value> format_filter(Runtime& rt, const Value& subject, const Arguments& arguments) {
  TRY(const std::string_view pattern, text_of(rt, subject));
  Value values;
  if (!arguments.named.empty()) {
    if (!arguments.positional.empty()) return fail("format takes values by position or by name, not both");
    Dict* dict = rt.dict();
    for (const auto& [name, value] : arguments.named) dict->set(rt, Value(name), value);
    values = Value(dict);
  } else {
    values = Value(rt.list(arguments.positional, List::Form::tuple));
  }
  TRY(const std::string text, format_percent(rt, pattern, values));
  return rt.string(text);
}

}  // namespace

Result<Value> replaced(Runtime& rt, std::string_view text, std::string_view from, std::string_view to,
                       Int count) {
  rt.charge_bytes(text.size());
  const Int most =
      from.empty() ? static_cast<Int>(text.size()) + 1 : static_cast<Int>(text.size() / from.size());
  const Int times = count < 0 ? most : std::min(count, most);
  if (to.size() > from.size()) {
    // Exact where it matters: counting is cheaper than refusing what would have fitted.
    Int found = from.empty() ? times : 0;
    for (size_t at = 0; !from.empty() && found < times && (at = find_part(text, from, at)) != text.npos;
         at += from.size())
      ++found;
    CHECK_OK(rt.reserve(static_cast<Int>(text.size()) + found * static_cast<Int>(to.size() - from.size())));
  }
  return rt.string(replace(text, from, to, static_cast<int64_t>(times)));
}

Result<Value> centered(Runtime& rt, std::string_view text, Int width, std::string_view fill) {
  const Int missing = width - static_cast<Int>(count_chars(text));
  if (missing <= 0) return Value(text);
  CHECK_OK(rt.reserve(static_cast<Int>(text.size()) + missing * static_cast<Int>(fill.size())));
  const Int left = missing / 2 + (missing & width & 1);
  std::string out;
  for (Int i = 0; i < left; ++i) out += fill;
  out += text;
  for (Int i = left; i < missing; ++i) out += fill;
  return rt.string(out);
}

FilterFunction find_text_filter(std::string_view name) {
  static const std::unordered_map<std::string_view, FilterFunction> filters = {
      {"trim", trim},
      {"upper", mapped<upper>},
      {"lower", mapped<lower>},
      {"capitalize", mapped<capitalize>},
      {"title", mapped<title_words>},
      {"replace", replace_filter},
      {"string", string_filter},
      {"safe", string_filter},  // nothing is escaped on output, so all text is safe
      {"escape", escape},
      {"e", escape},
      {"forceescape", escape},
      {"length", length},
      {"count", length},
      {"int", int_filter},
      {"float", float_filter},
      {"abs", abs_filter},
      {"round", round_filter},
      {"tojson", tojson},
      {"pprint", pprint},
      {"indent", indent},
      {"center", center},
      {"truncate", truncate},
      {"wordcount", wordcount},
      {"urlencode", urlencode},
      {"format", format_filter},
  };
  const auto found = filters.find(name);
  return found == filters.end() ? nullptr : found->second;
}

FilterFunction find_filter(std::string_view name) {
  if (const FilterFunction filter = find_text_filter(name)) return filter;
  return find_sequence_filter(name);
}

}  // namespace halcyon::jinja
