#include "template/format.h"

#include <charconv>
#include <cmath>

#include "base/quote.h"
#include "template/operators.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

constexpr int max_width = 100'000;
constexpr int max_precision = 400;
constexpr size_t max_time_format = 4096;

/// One conversion, in the terms both kinds share.
struct Spec {
  std::string_view fill = " ";
  char align = '\0';  ///< < > ^ = or none given
  char sign = '-';
  bool alternate = false;
  bool grouped = false;  ///< thousands are separated by commas
  int width = 0;
  int precision = -1;
  char type = '\0';
};

/// Reads digits at `at`, moving it; an error where the number is beyond `limit`.
Result<int> read_number(std::string_view text, size_t& at, int limit) {
  int value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + (text[at] - '0');
    if (value > limit) return fail("a format's width or precision exceeds {}", limit);
  }
  return value;
}

std::string pad(std::string_view text, const Spec& spec, char default_align) {
  const size_t n = count_chars(text), width = static_cast<size_t>(spec.width);
  if (n >= width) return std::string(text);
  const char align = spec.align ? spec.align : default_align;
  const size_t missing = width - n;
  const size_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  std::string out;
  const size_t signs =
      align == '=' && !text.empty() && (text[0] == '-' || text[0] == '+' || text[0] == ' ') ? 1 : 0;
  out += text.substr(0, signs);
  for (size_t i = 0; i < left; ++i) out += spec.fill;
  out += text.substr(signs);
  for (size_t i = left; i < missing; ++i) out += spec.fill;
  return out;
}

std::string with_sign(bool negative, char sign, std::string_view digits) {
  std::string out(negative ? "-" : sign == '-' ? "" : std::string(1, sign));
  return out.append(digits);
}

std::string group_thousands(std::string digits) {
  size_t end = digits.find_first_not_of("0123456789");
  if (end == digits.npos) end = digits.size();
  for (size_t i = end; i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

Result<std::string> format_integer(Int value, const Spec& spec) {
  const bool negative = value < 0;
  std::string digits;
  switch (spec.type) {
    case 'x':
      digits = fmt::format("{:x}", value);
      break;
    case 'X':
      digits = fmt::format("{:X}", value);
      break;
    case 'o':
      digits = fmt::format("{:o}", value);
      break;
    case 'b':
      digits = fmt::format("{:b}", value);
      break;
    default:
      digits = fmt::format("{}", value);
  }
  if (negative) digits.erase(0, 1);
  if (spec.precision > 0 && digits.size() < static_cast<size_t>(spec.precision))
    digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
  if (spec.grouped) digits = group_thousands(std::move(digits));
  if (spec.alternate && std::string_view("xXob").find(spec.type) != std::string_view::npos)
    digits.insert(0, std::string("0") + spec.type);
  return with_sign(negative, spec.sign, digits);
}

Result<std::string> format_real(double value, const Spec& spec) {
  const bool percent = spec.type == '%';
  if (percent) value *= 100;
  const double magnitude = std::fabs(value);
  const int precision = spec.precision < 0 ? 6 : spec.precision;
  std::string digits;
  switch (spec.type) {
    case 'e':
      digits = fmt::format("{:.{}e}", magnitude, precision);
      break;
    case 'E':
      digits = fmt::format("{:.{}E}", magnitude, precision);
      break;
    case 'g':
      digits = fmt::format("{:.{}g}", magnitude, precision);
      break;
    case 'G':
      digits = fmt::format("{:.{}G}", magnitude, precision);
      break;
    case '\0':
      digits = spec.precision < 0 ? float_repr(magnitude) : fmt::format("{:.{}g}", magnitude, precision);
      break;
    default:
      digits = fmt::format("{:.{}f}", magnitude, precision);
  }
  if (spec.grouped) digits = group_thousands(std::move(digits));
  if (percent) digits += '%';
  return with_sign(std::signbit(value) && !std::isnan(value), spec.sign, digits);
}

std::string_view cut(std::string_view text, int precision) {
  if (precision < 0) return text;
  size_t at = 0;
  for (int i = 0; i < precision && at < text.size(); ++i) at += char_at(text, at).bytes.size();
  return text.substr(0, at);
}

Result<std::string> convert_percent(Runtime& rt, const Value& value, Spec spec) {
  switch (spec.type) {
    case 's':
    case 'r':
    case 'a': {
      TRY(const std::string text, spec.type == 's' ? to_string(rt, value) : repr(rt, value));
      return pad(cut(text, spec.precision), spec, '>');
    }
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': {
      if (value.is<double>() && spec.type != 'x' && spec.type != 'X' && spec.type != 'o' &&
          std::fabs(*value.as<double>()) < 1e18) {
        TRY(const std::string text, format_integer(static_cast<Int>(*value.as<double>()), spec));
        return pad(text, spec, '>');
      }
      if (!is_integral(value)) return fail("%{} needs a number, not '{}'", spec.type, type_name(value));
      TRY(const std::string text, format_integer(integer_of(value), spec));
      return pad(text, spec, '>');
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': {
      if (!is_number(value)) return fail("%{} needs a number, not '{}'", spec.type, type_name(value));
      TRY(const std::string text, format_real(real_of(value), spec));
      return pad(text, spec, '>');
    }
    case 'c': {
      if (value.is<std::string_view>() && count_chars(*value.as<std::string_view>()) == 1)
        return pad(*value.as<std::string_view>(), spec, '>');
      if (!is_integral(value) || integer_of(value) < 0 || integer_of(value) > 0x10ffff)
        return fail("%c needs a character");
      std::string text;
      append_utf8(text, static_cast<uint32_t>(integer_of(value)));
      return pad(text, spec, '>');
    }
    default:
      return fail("the format {} is unknown", quote(std::string("%") + spec.type));
  }
}

/// The format specification of `{:…}`.
Result<Spec> parse_spec(std::string_view text) {
  Spec spec;
  size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  if (!text.empty()) {
    const Char first = char_at(text, 0);
    if (first.bytes.size() < text.size() && is_align(text[first.bytes.size()])) {
      spec.fill = first.bytes;
      spec.align = text[first.bytes.size()];
      at = first.bytes.size() + 1;
    } else if (is_align(text[0])) {
      spec.align = text[at++];
    }
  }
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' ')) spec.sign = text[at++];
  if (at < text.size() && text[at] == '#') spec.alternate = ++at;
  if (at < text.size() && text[at] == '0') {
    ++at;
    if (!spec.align) {
      spec.fill = "0";
      spec.align = '=';
    }
  }
  TRY(spec.width, read_number(text, at, max_width));
  if (at < text.size() && text[at] == ',') spec.grouped = ++at;
  if (at < text.size() && text[at] == '.') {
    TRY(spec.precision, read_number(text, ++at, max_precision));
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) return fail("the format specification {} is invalid", quote(text));
  return spec;
}

Result<std::string> convert_braces(Runtime& rt, const Value& value, std::string_view text) {
  TRY(const Spec spec, parse_spec(text));
  const bool integer_type =
      spec.type != '\0' && std::string_view("dxXobn").find(spec.type) != std::string_view::npos;
  const bool real_type =
      spec.type != '\0' && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos;
  if (value.is<Int>() || (value.is<bool>() && spec.type)) {
    TRY(const std::string digits,
        real_type ? format_real(real_of(value), spec) : format_integer(integer_of(value), spec));
    return pad(digits, spec, '>');
  }
  if (value.is<double>() && !integer_type) {
    TRY(const std::string digits, format_real(*value.as<double>(), spec));
    return pad(digits, spec, '>');
  }
  if (integer_type || real_type || (spec.type && spec.type != 's'))
    return fail("the format {} does not fit '{}'", quote({&spec.type, 1}), type_name(value));
  TRY(const std::string shown, to_string(rt, value));
  return pad(cut(shown, spec.precision), spec, '<');
}

/// The value a replacement field names: `0`, `name`, `name.attribute`, `0[key]`; empty counts up.
Result<Value> find_field(Runtime& rt, std::string_view field, const Arguments& arguments, size_t& automatic) {
  rt.charge(1);
  const size_t end = std::min(field.find_first_of(".["), field.size());
  const std::string_view head = field.substr(0, end);
  Value value;
  size_t index = automatic;
  if (!head.empty() && head.find_first_not_of("0123456789") == head.npos) {
    std::from_chars(head.data(), head.data() + head.size(), index);
  } else if (!head.empty()) {
    const Value* found = nullptr;
    rt.charge(arguments.named.size());
    for (const auto& [name, candidate] : arguments.named)
      if (name == head) found = &candidate;
    if (!found) return fail("format: the argument {} is missing", quote(head));
    value = *found;
  } else {
    ++automatic;
  }
  if (head.empty() || head.find_first_not_of("0123456789") == head.npos) {
    if (index >= arguments.positional.size()) return fail("format: the argument {} is missing", index);
    value = arguments.positional[index];
  }
  for (size_t at = end; at < field.size();) {
    rt.charge(1);
    const bool dot = field[at] == '.';
    if (!dot && field[at] != '[') return fail("format: the field {} is invalid", quote(field));
    const size_t stop = std::min(dot ? field.find_first_of(".[", at + 1) : field.find(']', at), field.size());
    const std::string_view name = field.substr(at + 1, stop - at - 1);
    const bool number =
        !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == name.npos;
    int position = 0;
    if (number) std::from_chars(name.data(), name.data() + name.size(), position);
    const Value key = rt.string(name);
    TRY(value, dot ? attribute(rt, value, *key.as<std::string_view>())
                   : item(rt, value, number ? Value(position) : key));
    at = stop + !dot;
  }
  return value;
}

}  // namespace

Result<std::string> format_percent(Runtime& rt, std::string_view pattern, const Value& values) {
  rt.charge_bytes(pattern.size());
  const List* tuple = values.list() && values.list()->form == List::Form::tuple ? values.list() : nullptr;
  size_t used = 0;
  bool by_name = false;
  const auto next_value = [&]() -> Result<Value> {
    if (used >= (tuple ? tuple->items.size() : 1))
      return fail("there are fewer values than the format {} has", quote(pattern));
    return tuple ? tuple->items[used++] : (++used, values);
  };
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    const size_t percent = std::min(pattern.find('%', i), pattern.size());
    out += pattern.substr(i, percent - i);
    i = percent + 1;
    if (percent == pattern.size()) break;
    if (i < pattern.size() && pattern[i] == '%') {
      out += '%';
      ++i;
      continue;
    }
    rt.charge(1);
    Spec spec;
    std::optional<Value> named;
    if (i < pattern.size() && pattern[i] == '(') {
      const size_t close = pattern.find(')', i);
      if (close == pattern.npos) return fail("the format {} has an unclosed name", quote(pattern));
      if (!values.dict())
        return fail("the format {} needs a dict, not '{}'", quote(pattern), type_name(values));
      const std::string_view key = pattern.substr(i + 1, close - i - 1);
      const Value* found = values.dict()->find(rt, Value(key));
      if (!found) return fail("the format's name {} is missing in the dict", quote(key));
      named = *found;
      by_name = true;
      i = close + 1;
    }
    for (; i < pattern.size() && std::string_view("-+ 0#").find(pattern[i]) != std::string_view::npos; ++i) {
      if (pattern[i] == '-') {
        spec.align = '<';
        spec.fill = " ";
      } else if (pattern[i] == '0') {
        if (spec.align != '<') spec.align = '=', spec.fill = "0";
      } else if (pattern[i] == '#') {
        spec.alternate = true;
      } else if (spec.sign != '+') {
        spec.sign = pattern[i];
      }
    }
    TRY(spec.width, read_number(pattern, i, max_width));
    if (i < pattern.size() && pattern[i] == '.') {
      TRY(spec.precision, read_number(pattern, ++i, max_precision));
    }
    if (i == pattern.size()) return fail("the format {} is incomplete", quote(pattern));
    spec.type = pattern[i++];
    if (spec.align == '=' && std::string_view("srac").find(spec.type) != std::string_view::npos) {
      spec.align = '>';
      spec.fill = " ";
    }
    Value value;
    if (named)
      value = *named;
    else {
      TRY(value, next_value());
    }
    TRY(const std::string text, convert_percent(rt, value, spec));
    out += text;
    CHECK_OK(rt.reserve(static_cast<Int>(text.size())));
  }
  if (!by_name && !values.dict() && used < (tuple ? tuple->items.size() : 1) && !(values.list() && !tuple))
    return fail("there are more values than the format {} has", quote(pattern));
  return out;
}

Result<std::string> format_braces(Runtime& rt, std::string_view pattern, const Arguments& arguments) {
  std::string out;
  size_t automatic = 0;
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if ((c == '{' || c == '}') && i + 1 < pattern.size() && pattern[i + 1] == c) {
      out += c;
      i += 2;
      continue;
    }
    if (c == '}') return fail("format: a single '}}' in the format");
    if (c != '{') {
      out += c;
      ++i;
      continue;
    }
    const size_t close = pattern.find('}', i);
    if (close == pattern.npos) return fail("format: a '{{' without its '}}'");
    std::string_view field = pattern.substr(i + 1, close - i - 1), spec;
    if (const size_t colon = field.find(':'); colon != field.npos) {
      spec = field.substr(colon + 1);
      field = field.substr(0, colon);
    }
    char conversion = '\0';
    if (field.size() >= 2 && field[field.size() - 2] == '!') {
      conversion = field.back();
      field.remove_suffix(2);
    }
    TRY(Value value, find_field(rt, field, arguments, automatic));
    if (conversion) {
      TRY(const std::string shown, conversion == 's' ? to_string(rt, value) : repr(rt, value));
      value = rt.string(shown);
    }
    TRY(const std::string text, convert_braces(rt, value, spec));
    out += text;
    CHECK_OK(rt.reserve(static_cast<Int>(text.size())));
    i = close + 1;
  }
  return out;
}

Result<std::string> format_time(std::string_view pattern, const std::tm& time) {
  if (pattern.size() > max_time_format)
    return fail("strftime_now: the format exceeds {} bytes", max_time_format);
  std::tm local = time;
  local.tm_zone = "";
  // A mark at the end tells an empty result from one that does not fit.
  const std::string marked = std::string(pattern) + "|";
  std::string out(pattern.size() * 16 + 1024, '\0');
  const size_t n =
      pattern.find('\0') == pattern.npos ? std::strftime(out.data(), out.size(), marked.c_str(), &local) : 0;
  if (n == 0) return fail("strftime_now: the format is too long or invalid");
  out.resize(n - 1);
  return out;
}

}  // namespace halcyon::jinja
