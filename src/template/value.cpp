#include "template/value.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <functional>

#include "template/runtime.h"
#include "template/text.h"

namespace halcyon::jinja {
namespace {

constexpr size_t scan_limit = 8;  ///< dicts up to this size are scanned, larger ones have slots
constexpr uint32_t free_slot = UINT32_MAX;

/// The same for keys that are equal. Needs a hashable key, which is nested no deeper than the limit.
size_t hash_of(Runtime& rt, const Value& key) {
  rt.charge(1);
  if (is_number(key)) return std::hash<double>{}(real_of(key));
  if (const auto* s = key.as<std::string_view>()) {
    rt.charge_bytes(s->size());
    return std::hash<std::string_view>{}(*s);
  }
  if (const List* tuple = key.list()) {
    size_t hash = tuple->items.size();
    for (const Value& v : tuple->items) hash = hash * 31 + hash_of(rt, v);
    return hash;
  }
  if (key.object()) return std::hash<Object*>{}(key.object());
  return key.data.index();
}

/// Python's quotes and escapes.
void append_quoted(std::string& out, std::string_view text) {
  const bool has_single = text.find('\'') != text.npos, has_double = text.find('"') != text.npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out += quote;
  for (size_t i = 0; i < text.size();) {
    const Char c = char_at(text, i);
    i += c.bytes.size();
    if (c.code == '\\' || c.code == static_cast<uint32_t>(quote))
      out.append("\\").append(c.bytes);
    else if (c.code == '\n')
      out += "\\n";
    else if (c.code == '\r')
      out += "\\r";
    else if (c.code == '\t')
      out += "\\t";
    else if (c.code == Char::invalid || is_printable(c.code))
      out += c.bytes;
    else if (c.code < 0x100)
      out += fmt::format("\\x{:02x}", c.code);
    else if (c.code < 0x10000)
      out += fmt::format("\\u{:04x}", c.code);
    else
      out += fmt::format("\\U{:08x}", c.code);
  }
  out += quote;
}

Result<void> append_repr(Runtime& rt, std::string& out, const Value& value, int depth) {
  if (depth > limits::value_depth)
    return fail("a list or dict is nested more than {} deep", limits::value_depth);
  rt.charge(1);
  CHECK_OK(rt.check());
  const size_t before = out.size();
  if (const auto* s = value.as<std::string_view>()) {
    append_quoted(out, *s);
  } else if (const List* list = value.list()) {
    const bool tuple = list->form == List::Form::tuple;
    out += tuple ? '(' : '[';
    for (size_t i = 0; i < list->items.size(); ++i) {
      if (i) out += ", ";
      CHECK_OK(append_repr(rt, out, list->items[i], depth + 1));
    }
    if (tuple && list->items.size() == 1) out += ',';
    out += tuple ? ')' : ']';
    return {};
  } else if (const Dict* dict = value.dict()) {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : dict->entries()) {
      if (!std::exchange(first, false)) out += ", ";
      CHECK_OK(append_repr(rt, out, key, depth + 1));
      out += ": ";
      CHECK_OK(append_repr(rt, out, item, depth + 1));
    }
    out += '}';
    return {};
  } else if (value.is<Undefined>()) {
    out += "Undefined";
  } else {
    TRY(const std::string text, to_string(rt, value));
    out += text;
  }
  rt.charge_bytes(out.size() - before);
  return {};
}

}  // namespace

std::string Object::to_string() const { return fmt::format("<{}>", type_name()); }

size_t Dict::position(Runtime& rt, const Value& key, size_t hash) const {
  const auto is_at = [&](size_t i) { return hashes_[i] == hash && equal(rt, entries_[i].first, key); };
  if (slots_.empty()) {
    for (size_t i = 0; i < entries_.size(); ++i)
      if (is_at(i)) return i;
    return entries_.size();
  }
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask; slots_[slot] != free_slot; slot = (slot + 1) & mask) {
    rt.charge(1);
    if (is_at(slots_[slot])) return slots_[slot];
  }
  return entries_.size();
}

void Dict::build_slots(Runtime& rt) {
  slots_.clear();
  if (entries_.size() <= scan_limit) return;
  slots_.assign(std::bit_ceil(entries_.size() * 2), free_slot);
  for (size_t i = 0; i < entries_.size(); ++i) fill_slot(rt, i);
}

void Dict::fill_slot(Runtime& rt, size_t position) {
  const size_t mask = slots_.size() - 1;
  size_t slot = hashes_[position] & mask;
  for (; slots_[slot] != free_slot; slot = (slot + 1) & mask) rt.charge(1);
  slots_[slot] = static_cast<uint32_t>(position);
}

const Value* Dict::find(Runtime& rt, const Value& key) const {
  const size_t i = position(rt, key, hash_of(rt, key));
  return i < entries_.size() ? &entries_[i].second : nullptr;
}

void Dict::set(Runtime& rt, const Value& key, const Value& value) {
  const size_t hash = hash_of(rt, key), i = position(rt, key, hash);
  if (i < entries_.size()) {
    entries_[i].second = value;
    return;
  }
  entries_.emplace_back(key, value);
  hashes_.push_back(hash);
  if (entries_.size() * 2 > slots_.size())
    build_slots(rt);
  else
    fill_slot(rt, i);
}

void Dict::erase(Runtime& rt, const Value& key) {
  const size_t i = position(rt, key, hash_of(rt, key));
  if (i == entries_.size()) return;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i));
  hashes_.erase(hashes_.begin() + static_cast<std::ptrdiff_t>(i));
  rt.charge(entries_.size());
  build_slots(rt);
}

void Dict::clear() {
  entries_.clear();
  hashes_.clear();
  slots_.clear();
}

std::string_view type_name(const Value& value) {
  static constexpr std::string_view names[] = {"Undefined", "NoneType", "bool", "int",
                                               "float",     "str",      "list", "dict"};
  if (value.object()) return value.object()->type_name();
  if (const List* list = value.list(); list && list->form != List::Form::list)
    return list->form == List::Form::tuple ? "tuple" : "generator";
  return names[value.data.index()];
}

bool truthy(const Value& value) {
  if (const auto* b = value.as<bool>()) return *b;
  if (const auto* i = value.as<Int>()) return *i != 0;
  if (const auto* d = value.as<double>()) return *d != 0;
  if (const auto* s = value.as<std::string_view>()) return !s->empty();
  if (const List* list = value.list()) return list->form == List::Form::lazy || !list->items.empty();
  if (const Dict* dict = value.dict()) return dict->size() != 0;
  return value.object() != nullptr;
}

Result<bool> hashable(Runtime& rt, const Value& value, int depth) {
  if (depth > limits::value_depth) return fail("a tuple is nested more than {} deep", limits::value_depth);
  rt.charge(1);
  CHECK_OK(rt.check());
  const List* list = value.list();
  if (!list) return !value.dict() && !value.is<Undefined>();
  if (list->form != List::Form::tuple) return false;
  for (const Value& item : list->items) {
    TRY(const bool part, hashable(rt, item, depth + 1));
    if (!part) return false;
  }
  return true;
}

Result<void> check_key(Runtime& rt, const Value& value) {
  TRY(const bool fits, hashable(rt, value));
  if (!fits) return fail("'{}' cannot be the key of a dict", type_name(value));
  return {};
}

bool is_integral(const Value& value) { return value.is<Int>() || value.is<bool>(); }
bool is_number(const Value& value) { return is_integral(value) || value.is<double>(); }
Int integer_of(const Value& value) { return value.is<bool>() ? Int{*value.as<bool>()} : *value.as<Int>(); }
double real_of(const Value& value) {
  return value.is<double>() ? *value.as<double>() : static_cast<double>(integer_of(value));
}

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  // The shortest digits that read back as the same value, as d.ddde±xx; then laid out as Python does.
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string_view text(buffer, end);
  std::string out;
  if (text.front() == '-') {
    out = "-";
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  int exponent = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  const int n = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (n > 1) out.append(".").append(digits, 1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (n <= exponent + 1) return out + digits + std::string(static_cast<size_t>(exponent + 1 - n), '0') + ".0";
  return out + digits.insert(static_cast<size_t>(exponent) + 1, ".");
}

bool equal(Runtime& rt, const Value& a, const Value& b, int depth) {
  rt.charge(1);
  if (rt.exhausted() || depth > limits::value_depth) return false;
  if (const auto* x = a.as<std::string_view>(), *y = b.as<std::string_view>(); x && y) {
    if (x->size() != y->size()) return false;
    rt.charge_bytes(x->size());
    return *x == *y;
  }
  if (const List* x = a.list(), *y = b.list(); x && y) {
    if (x == y) return true;
    if (x->form != y->form || x->items.size() != y->items.size()) return false;
    for (size_t i = 0; i < x->items.size(); ++i)
      if (!equal(rt, x->items[i], y->items[i], depth + 1)) return false;
    return true;
  }
  if (const Dict* x = a.dict(), *y = b.dict(); x && y) {
    if (x == y) return true;
    if (x->size() != y->size()) return false;
    for (const auto& [key, value] : x->entries()) {
      const Value* other = y->find(rt, key);
      if (!other || !equal(rt, value, *other, depth + 1)) return false;
    }
    return true;
  }
  if (is_number(a) && is_number(b))
    return is_integral(a) && is_integral(b) ? integer_of(a) == integer_of(b) : real_of(a) == real_of(b);
  return a.data.index() == b.data.index() && a.object() == b.object();
}

Result<bool> less(Runtime& rt, const Value& a, const Value& b, int depth) {
  rt.charge(1);
  CHECK_OK(rt.check());
  if (depth > limits::value_depth) return fail("a list is nested more than {} deep", limits::value_depth);
  if (is_number(a) && is_number(b))
    return is_integral(a) && is_integral(b) ? integer_of(a) < integer_of(b) : real_of(a) < real_of(b);
  if (const auto* x = a.as<std::string_view>(), *y = b.as<std::string_view>(); x && y) {
    rt.charge_bytes(std::min(x->size(), y->size()));
    return *x < *y;
  }
  if (const List* x = a.list(), *y = b.list(); x && y && x->form == y->form) {
    const size_t n = std::min(x->items.size(), y->items.size());
    for (size_t i = 0; i < n; ++i)
      if (!equal(rt, x->items[i], y->items[i])) return less(rt, x->items[i], y->items[i], depth + 1);
    return x->items.size() < y->items.size();
  }
  for (const Value* v : {&a, &b})
    if (const auto* undefined = v->as<Undefined>()) return fail("{}", undefined->message);
  return fail("'<' and '>' cannot compare '{}' with '{}'", type_name(a), type_name(b));
}

Result<std::string> to_string(Runtime& rt, const Value& value) {
  if (const auto* s = value.as<std::string_view>()) {
    rt.charge_bytes(s->size());
    return std::string(*s);
  }
  if (value.is<Undefined>()) return "";
  if (value.is<None>()) return "None";
  if (const auto* b = value.as<bool>()) return *b ? "True" : "False";
  if (const auto* i = value.as<Int>()) return fmt::format("{}", *i);
  if (const auto* d = value.as<double>()) return float_repr(*d);
  if (value.object()) return value.object()->to_string();
  return repr(rt, value);
}

Result<std::string> repr(Runtime& rt, const Value& value) {
  std::string out;
  CHECK_OK(append_repr(rt, out, value, 0));
  return out;
}

}  // namespace halcyon::jinja
