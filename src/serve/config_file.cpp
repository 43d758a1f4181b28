#include "serve/config_file.h"

#include <algorithm>
#include <optional>

#include "base/byte_source.h"
#include "base/quote.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace halcyon::serve {
namespace {

// Bounds the recursion of toml++ over dotted keys, which it has no limit for.
constexpr uint64_t kMaxConfigFile = 16 << 10;

using Values = std::optional<std::vector<std::string>>;

/// A value as text, if its type is among those that a kind of setting may have in a file.
struct ReadValues {
  const toml::node& node;

  Values operator()(const FlagField&) const { return boolean(); }
  Values operator()(const IntegerField&) const { return integer(); }
  Values operator()(const NumberField&) const {
    return node.is_floating_point() ? Values{{fmt::format("{}", node.as_floating_point()->get())}}
                                    : integer();
  }
  Values operator()(const BytesField&) const { return node.is_integer() ? integer() : string(); }
  Values operator()(const DurationField&) const { return node.is_integer() ? integer() : string(); }
  Values operator()(const TextField&) const { return string(); }
  Values operator()(const KvField&) const { return string(); }
  Values operator()(const ListField&) const {
    const toml::array* array = node.as_array();
    if (array == nullptr) return string();
    std::vector<std::string> values;
    for (const toml::node& item : *array) {
      if (!item.is_string()) return std::nullopt;
      values.push_back(item.as_string()->get());
    }
    return values;
  }

  Values boolean() const {
    if (!node.is_boolean()) return std::nullopt;
    return {{node.as_boolean()->get() ? "true" : "false"}};
  }
  Values integer() const {
    if (!node.is_integer()) return std::nullopt;
    return {{std::to_string(node.as_integer()->get())}};
  }
  Values string() const {
    if (!node.is_string()) return std::nullopt;
    return {{node.as_string()->get()}};
  }
};

std::string_view expected_type(const Setting::Field& field) {
  if (std::holds_alternative<FlagField>(field)) return "true or false";
  if (std::holds_alternative<IntegerField>(field)) return "an integer";
  if (std::holds_alternative<NumberField>(field)) return "a number";
  if (std::holds_alternative<ListField>(field)) return "an array of strings";
  return "a string";
}

}  // namespace

Result<std::vector<FileEntry>> read_config_file(const std::string& path) {
  TRY(const std::string text, read_text(path, kMaxConfigFile, "a configuration file"));
  const toml::parse_result parsed = toml::parse(std::string_view(text));
  if (!parsed)
    return fail("{}:{}: {}", path, parsed.error().source().begin.line,
                quote(parsed.error().description(), 300));

  std::vector<FileEntry> entries;
  const auto origin = [&](const toml::node& node) {
    return fmt::format("{}:{}", path, node.source().begin.line);
  };
  for (const auto& [table_name, table] : parsed.table()) {
    if (table_name.str() != "serve" || !table.is_table())
      return fail("{}: unknown setting {}: those of the server are in the table [serve]", origin(table),
                  quote(table_name.str()));
    for (const auto& [key, node] : *table.as_table()) {
      const auto setting = std::ranges::find(settings(), key.str(), &Setting::name);
      if (setting == settings().end())
        return fail("{}: unknown setting {}: `halcyon serve --print-config` lists them all", origin(node),
                    quote(key.str()));
      Values values = std::visit(ReadValues{node}, setting->field);
      if (!values)
        return fail("{}: {}: expected {}", origin(node), setting->name, expected_type(setting->field));
      entries.push_back({&*setting, *std::move(values), origin(node)});
    }
  }
  return entries;
}

}  // namespace halcyon::serve
