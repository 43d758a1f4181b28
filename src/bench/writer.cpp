#include "bench/writer.h"

#include <utility>

namespace halcyon::bench {
namespace {

using Json = nlohmann::ordered_json;

/// Bytes that are not UTF-8, of a file's name say, become U+FFFD.
std::string dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

class JsonWriter final : public Writer {
 public:
  JsonWriter(const std::vector<ModelFile>& models, const Machine& machine)
      : models_(models), machine_(machine) {}

  std::string add(const CaseResult& result) override {
    std::string text = dump(to_record(result, models_[result.setup.model], machine_), 2);
    for (size_t at = 0; (at = text.find('\n', at)) != text.npos; at += 3) text.insert(at + 1, "  ");
    return std::exchange(separator_, ",\n") + "  " + text;
  }
  std::string finish() override { return std::exchange(separator_, "") == "[\n" ? "[]\n" : "\n]\n"; }

 private:
  const std::vector<ModelFile>& models_;
  const Machine machine_;
  std::string separator_ = "[\n";
};

std::string cell(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return dump(value);
  std::string quoted = "\"";
  for (const char c : value.get_ref<const std::string&>()) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

class CsvWriter final : public Writer {
 public:
  CsvWriter(const std::vector<ModelFile>& models, const Machine& machine)
      : models_(models), machine_(machine) {}

  std::string add(const CaseResult& result) override {
    const Json record = to_record(result, models_[result.setup.model], machine_);
    std::string names, values, separator;
    for (const auto& [name, value] : record.items()) {
      if (value.is_array()) continue;
      names += separator + name;
      values += std::exchange(separator, ",") + cell(value);
    }
    return (std::exchange(is_first_, false) ? names + "\r\n" : "") + values + "\r\n";
  }
  std::string finish() override { return ""; }

 private:
  const std::vector<ModelFile>& models_;
  const Machine machine_;
  bool is_first_ = true;
};

}  // namespace

std::unique_ptr<Writer> make_writer(std::string_view format, const std::vector<ModelFile>& models,
                                    const Machine& machine) {
  if (format == "json") return std::make_unique<JsonWriter>(models, machine);
  if (format == "csv") return std::make_unique<CsvWriter>(models, machine);
  return format == "md" ? make_markdown_writer(models) : make_table_writer(models);
}

}  // namespace halcyon::bench
