// The table of settings, and their values as text. Command line, variables, configuration file and
// --print-config all go over the table: a new setting is a field of ServeConfig and a row.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "serve/config.h"

namespace halcyon::serve {

struct FlagField {
  bool ServeConfig::*member;
};
struct IntegerField {
  int32_t ServeConfig::*member;
  int32_t min, max;
};
struct NumberField {
  double ServeConfig::*member;
  double min, max;
};
struct BytesField {  ///< "32M", "1G", or bytes
  uint64_t ServeConfig::*member;
  uint64_t min, max;
};
struct DurationField {  ///< "1h30m", "10s", seconds, "never" or -1
  std::optional<std::chrono::milliseconds> ServeConfig::*member;
};
struct TextField {
  std::string ServeConfig::*member;
};
struct ListField {
  std::vector<std::string> ServeConfig::*member;
  char separator;  ///< in a variable
};
struct KvField {
  backend::KvType ServeConfig::*member;
};

struct Setting {
  using Field = std::variant<FlagField, IntegerField, NumberField, BytesField, DurationField, TextField,
                             ListField, KvField>;

  std::string_view name;  ///< in the file: "max_queue"
  std::string_view unit;  ///< what --help calls its value
  Field field;
  std::string_view help;

  std::string option() const;    ///< "--max-queue"
  std::string variable() const;  ///< "HALCYON_MAX_QUEUE"
};

std::span<const Setting> settings();

/// Sets a field to what is written in `values`: one for all but lists, at least one for those. The error says
/// what is expected, and not where.
Result<void> assign(ServeConfig& config, const Setting& setting, const std::vector<std::string>& values);

/// The value as text that assign() takes; empty for lists.
std::string to_text(const ServeConfig& config, const Setting& setting);

/// The value as TOML.
std::string to_toml(const ServeConfig& config, const Setting& setting);

}  // namespace halcyon::serve
