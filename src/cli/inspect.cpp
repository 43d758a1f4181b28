// halcyon inspect: what is in a GGUF file.
#include "cli/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "base/quote.h"
#include "cli/command.h"

namespace halcyon::cli {
namespace {

using gguf::ValueType;
using Json = nlohmann::json;

/// All tensors of a type, or all of a file.
struct Total {
  size_t n_tensors = 0;
  int64_t n_elements = 0;
  uint64_t bytes = 0;

  void add(const gguf::Tensor& tensor) {
    ++n_tensors;
    n_elements += tensor.n_elements();
    bytes += tensor.size;
  }
  double bits_per_weight() const {
    return n_elements == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(n_elements);
  }
};

struct Totals {
  Total all;
  std::map<quant::Type, Total> by_type;
};

Totals totals(const gguf::File& file) {
  Totals sum;
  for (const gguf::Tensor& tensor : file.tensors()) {
    sum.all.add(tensor);
    sum.by_type[tensor.type].add(tensor);
  }
  return sum;
}

bool can_run(quant::Type type) { return quant::traits(type).decode != nullptr; }

std::span<const int64_t> shape(const gguf::Tensor& tensor) {
  return std::span(tensor.ne).first(tensor.n_dims);
}

/// A quantity in the largest of `units` that leaves at least one before the point; each is `step` times the
/// last.
std::string in_units(double value, double step, std::span<const std::string_view> units) {
  size_t unit = 0;
  for (; value >= step && unit + 1 < units.size(); ++unit) value /= step;
  return fmt::format("{:.4g}{}", value, units[unit]);
}

std::string in_bytes(uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> units{" bytes", " KiB", " MiB", " GiB", " TiB"};
  return in_units(static_cast<double>(bytes), 1024, units);
}

std::string in_millions(int64_t n) {
  static constexpr std::array<std::string_view, 5> units{"", " thousand", " million", " billion",
                                                         " trillion"};
  return in_units(static_cast<double>(n), 1000, units);
}

// One element or scalar of type `type` as text.
std::string to_text(ValueType type, int64_t v) {
  return type == ValueType::u64 ? fmt::to_string(static_cast<uint64_t>(v)) : fmt::to_string(v);
}
std::string to_text(ValueType type, double v) {
  return type == ValueType::f32 ? fmt::to_string(static_cast<float>(v)) : fmt::to_string(v);
}
std::string to_text(ValueType, bool v) { return v ? "true" : "false"; }
std::string to_text(ValueType type, uint8_t v) { return to_text(type, v != 0); }
std::string to_text(ValueType, const std::string& v) {
  constexpr size_t kLongest = 80;
  return quote(v, kLongest) + (v.size() > kLongest ? fmt::format(" ({} bytes)", v.size()) : "");
}
std::string to_text(ValueType, const gguf::Array& array) {
  constexpr size_t kMost = 6;
  const auto first = [&](const auto& elements) {
    std::string out;
    for (size_t i = 0; i < std::min(elements.size(), kMost); ++i)
      out += (i > 0 ? ", " : "") + to_text(array.element_type, elements[i]);
    return out;
  };
  return fmt::format("[{}{}]", std::visit(first, array.elements), array.size() > kMost ? ", …" : "");
}

std::string type_of(const gguf::Value& value) {
  const auto* array = std::get_if<gguf::Array>(&value.data);
  return array ? fmt::format("{}[{}]", name_of(array->element_type), array->size())
               : std::string(name_of(value.type));
}

// The same as JSON.
Json to_json(ValueType type, int64_t v) {
  return type == ValueType::u64 ? Json(static_cast<uint64_t>(v)) : Json(v);
}
Json to_json(ValueType type, double v) {
  if (type != ValueType::f32 || !std::isfinite(v)) return v;
  const std::string shortest = fmt::to_string(static_cast<float>(v));  // 1e-06 and not 9.999999974752427e-07
  std::from_chars(shortest.data(), shortest.data() + shortest.size(), v);
  return v;
}
Json to_json(ValueType, bool v) { return v; }
Json to_json(ValueType, uint8_t v) { return v != 0; }
Json to_json(ValueType, const std::string& v) { return v; }
Json to_json(ValueType, const gguf::Array& array) {
  Json out = Json::array();
  std::visit(
      [&](const auto& elements) {
        for (const auto& v : elements) out.push_back(to_json(array.element_type, v));
      },
      array.elements);
  return out;
}

/// Rows of cells as lines, every column as wide as its widest cell. The last column is not padded.
template <size_t kColumns>
std::string table(const std::vector<std::array<std::string, kColumns>>& rows,
                  const std::array<char, kColumns>& align) {
  std::array<size_t, kColumns> widths{};
  for (const auto& row : rows)
    for (size_t c = 0; c + 1 < kColumns; ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string out;
  for (const auto& row : rows) {
    for (size_t c = 0; c < kColumns; ++c) {
      const std::string fill(widths[c] > row[c].size() ? widths[c] - row[c].size() : 0, ' ');
      out += "  " + (align[c] == '>' ? fill + row[c] : row[c] + fill);
    }
    out += '\n';
  }
  return out;
}

std::string summary(const gguf::File& file, const Totals& sum) {
  std::vector<std::array<std::string, 2>> rows{
      {"architecture", one_line(file.metadata().string_or("general.architecture", "none").value_or("none"))},
      {"parameters", in_millions(sum.all.n_elements)},
      {"file size", in_bytes(file.size())},
      {"bits per weight", fmt::format("{:.2f}", sum.all.bits_per_weight())},
  };
  for (const auto& [type, total] : sum.by_type)
    rows.push_back({std::string(name_of(type)),
                    fmt::format("{} in {} tensor{}{}", in_bytes(total.bytes), total.n_tensors,
                                total.n_tensors == 1 ? "" : "s",
                                can_run(type) ? "" : ": Halcyon can list this format, but not run it")});
  return table<2>(rows, {'<', '<'});
}

Result<void> inspect(const std::string& path, bool as_json) {
  TRY(const gguf::File file, gguf::File::open(path));
  std::cout << (as_json ? inspect_json(path, file) : inspect_text(path, file));
  return {};
}

}  // namespace

std::string inspect_text(const std::string& path, const gguf::File& file) {
  std::vector<std::array<std::string, 3>> metadata;
  for (const auto& [key, value] : file.metadata().entries())
    metadata.push_back(
        {one_line(key), type_of(value),
         std::visit([type = value.type](const auto& v) { return to_text(type, v); }, value.data)});

  std::vector<std::array<std::string, 5>> tensors{{"offset", "bytes", "type", "shape", "name"}};
  for (const gguf::Tensor& tensor : file.tensors())
    tensors.push_back({fmt::to_string(tensor.offset), fmt::to_string(tensor.size),
                       std::string(name_of(tensor.type)), fmt::format("{}", fmt::join(shape(tensor), " x ")),
                       one_line(tensor.name)});

  return fmt::format("{}: GGUF version {}\n\nMetadata ({})\n{}\nTensors ({})\n{}\nSummary\n{}",
                     one_line(path), file.version(), metadata.size(), table<3>(metadata, {'<', '<', '<'}),
                     file.tensors().size(), table<5>(tensors, {'>', '>', '<', '<', '<'}),
                     summary(file, totals(file)));
}

std::string inspect_json(const std::string& path, const gguf::File& file) {
  const Totals sum = totals(file);
  Json out{{"file", path},
           {"version", file.version()},
           {"size", file.size()},
           {"parameters", sum.all.n_elements},
           {"bits_per_weight", sum.all.bits_per_weight()},
           {"metadata", Json::object()},
           {"tensors", Json::array()},
           {"types", Json::object()}};
  for (const auto& [key, value] : file.metadata().entries()) {
    Json& entry = out["metadata"][key];
    entry["type"] = name_of(value.type);
    if (const auto* array = std::get_if<gguf::Array>(&value.data))
      entry["element_type"] = name_of(array->element_type);
    entry["value"] = std::visit([type = value.type](const auto& v) { return to_json(type, v); }, value.data);
  }
  for (const gguf::Tensor& tensor : file.tensors())
    out["tensors"].push_back({{"name", tensor.name},
                              {"type", name_of(tensor.type)},
                              {"shape", shape(tensor)},
                              {"offset", tensor.offset},
                              {"size", tensor.size},
                              {"file", tensor.source->name()}});
  for (const auto& [type, total] : sum.by_type)
    out["types"][name_of(type)] = {{"tensors", total.n_tensors},
                                   {"parameters", total.n_elements},
                                   {"size", total.bytes},
                                   {"runnable", can_run(type)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void add_inspect(CLI::App& app, Action& chosen) {
  auto path = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("inspect", "Show the metadata and the tensors of a GGUF file");
  command->add_option("file", *path, "The GGUF file; of a split model the first part")->required();
  command->add_flag("--json", *as_json, "Print everything as JSON, arrays in full");
  command->callback([=, &chosen] { chosen = [=] { return inspect(*path, *as_json); }; });
}

}  // namespace halcyon::cli
