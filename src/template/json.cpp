#include "template/json.h"

#include <algorithm>
#include <cmath>

#include "template/text.h"

namespace halcyon::jinja {
namespace {

class Writer {
 public:
  Writer(Runtime& rt, const JsonStyle& style) : rt_(rt), style_(style) {}

  Result<void> write(const Value& value, int depth) {
    if (depth > limits::value_depth) return fail("tojson: nested more than {} deep", limits::value_depth);
    rt_.charge(1);
    CHECK_OK(rt_.check());
    if (value.is<None>()) {
      out_ += "null";
    } else if (const auto* b = value.as<bool>()) {
      out_ += *b ? "true" : "false";
    } else if (is_number(value)) {
      out_ += number(value);
    } else if (const auto* s = value.as<std::string_view>()) {
      quote(*s);
    } else if (const List* list = value.list(); list && list->form != List::Form::lazy) {
      return write_list(*list, depth);
    } else if (const Dict* dict = value.dict()) {
      return write_dict(*dict, depth);
    } else {
      return fail("tojson: '{}' cannot be written as JSON", type_name(value));
    }
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string number(const Value& value) {
    if (value.is<Int>()) return fmt::format("{}", *value.as<Int>());
    const double d = *value.as<double>();
    if (std::isnan(d)) return "NaN";
    if (std::isinf(d)) return d < 0 ? "-Infinity" : "Infinity";
    return float_repr(d);
  }

  void separate(std::string_view separator) {
    rt_.charge_bytes(separator.size());
    out_ += separator;
  }

  Result<void> write_list(const List& list, int depth) {
    out_ += '[';
    for (size_t i = 0; i < list.items.size(); ++i) {
      if (i) separate(style_.item_separator);
      CHECK_OK(line(depth + 1));
      CHECK_OK(write(list.items[i], depth + 1));
    }
    if (!list.items.empty()) CHECK_OK(line(depth));
    out_ += ']';
    return {};
  }

  Result<void> write_dict(const Dict& dict, int depth) {
    std::vector<Dict::Entry> entries = dict.entries();
    if (style_.sort_keys) {
      std::optional<Error> error;
      std::stable_sort(entries.begin(), entries.end(), [&](const Dict::Entry& a, const Dict::Entry& b) {
        auto order = less(rt_, a.first, b.first);
        if (!order && !error) error = order.error();
        return !error && *order;
      });
      if (error) return std::unexpected(*error);
    }
    out_ += '{';
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i) separate(style_.item_separator);
      CHECK_OK(line(depth + 1));
      CHECK_OK(key(entries[i].first));
      separate(style_.key_separator);
      CHECK_OK(write(entries[i].second, depth + 1));
    }
    if (!entries.empty()) CHECK_OK(line(depth));
    out_ += '}';
    return {};
  }

  Result<void> key(const Value& value) {
    if (const auto* s = value.as<std::string_view>())
      quote(*s);
    else if (value.is<None>())
      quote("null");
    else if (const auto* b = value.as<bool>())
      quote(*b ? "true" : "false");
    else if (is_number(value))
      quote(number(value));
    else
      return fail("tojson: '{}' cannot be the key of an object", type_name(value));
    return {};
  }

  Result<void> line(int depth) {
    if (!style_.indent) return {};
    CHECK_OK(rt_.reserve(static_cast<Int>(style_.indent->size()) * depth));
    out_ += '\n';
    for (int i = 0; i < depth; ++i) out_ += *style_.indent;
    return {};
  }

  void quote(std::string_view text) {
    const size_t before = out_.size();
    static constexpr std::string_view special = "\"\\\b\f\n\r\t", letters = "\"\\bfnrt";
    out_ += '"';
    for (size_t i = 0; i < text.size();) {
      const Char c = char_at(text, i);
      i += c.bytes.size();
      if (const size_t at = special.find(c.bytes[0]); at != special.npos)
        out_.append("\\").append(1, letters[at]);
      else if (c.code < 0x20)
        out_ += fmt::format("\\u{:04x}", c.code);
      else if (c.code < 0x7f || !style_.ascii_only || c.code == Char::invalid)
        out_ += c.bytes;
      else if (c.code < 0x10000)
        out_ += fmt::format("\\u{:04x}", c.code);
      else
        out_ += fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0 + (c.code >> 10), 0xdc00 + (c.code & 0x3ff));
    }
    out_ += '"';
    rt_.charge_bytes(out_.size() - before);
  }

  Runtime& rt_;
  const JsonStyle& style_;
  std::string out_;
};

}  // namespace

Result<std::string> to_json(Runtime& rt, const Value& value, const JsonStyle& style) {
  Writer writer(rt, style);
  CHECK_OK(writer.write(value, 0));
  return writer.take();
}

Result<Value> from_json(Runtime& rt, const nlohmann::ordered_json& json, int depth) {
  if (depth > limits::value_depth)
    return fail("the context is nested more than {} deep", limits::value_depth);
  using Type = nlohmann::ordered_json::value_t;
  switch (json.type()) {
    case Type::boolean:
      return Value(json.get<bool>());
    case Type::number_integer:
      return Value(json.get<int64_t>());
    case Type::number_unsigned:
      return Value(json.get<uint64_t>());
    case Type::number_float:
      return Value(json.get<double>());
    case Type::string:
      return Value(std::string_view(json.get_ref<const std::string&>()));
    case Type::array: {
      CHECK_OK(rt.reserve_items(static_cast<Int>(json.size())));
      List* list = rt.list();
      list->items.reserve(json.size());
      for (const auto& element : json) {
        TRY(const Value value, from_json(rt, element, depth + 1));
        list->items.push_back(value);
      }
      return Value(list);
    }
    case Type::object: {
      CHECK_OK(rt.reserve_items(static_cast<Int>(json.size())));
      Dict* dict = rt.dict();
      for (const auto& [name, element] : json.get_ref<const nlohmann::ordered_json::object_t&>()) {
        TRY(const Value value, from_json(rt, element, depth + 1));
        dict->set(rt, Value(std::string_view(name)), value);
      }
      return Value(dict);
    }
    case Type::null:
    case Type::binary:
    case Type::discarded:
      break;
  }
  return Value(None{});
}

}  // namespace halcyon::jinja
