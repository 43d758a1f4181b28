#include "report/measurement.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "report/measurement_members.h"

namespace halcyon::report {
namespace {

using Json = nlohmann::ordered_json;

struct Writer {
  Json object = Json::object();

  template <class T, class... Constraints>
  void operator()(const char* name, const T& value, const Constraints&...) {
    object[name] = write(value);
  }

  template <class T>
  static Json write(const T& value) {
    if constexpr (is_optional<T>) {
      return value ? write(*value) : Json();
    } else if constexpr (std::same_as<T, Texts> || std::same_as<T, std::vector<std::string>>) {
      return Json(value);
    } else if constexpr (is_vector<T>) {
      Json list = Json::array();
      for (const auto& element : value) list.push_back(write(element));
      return list;
    } else if constexpr (std::same_as<T, std::string>) {
      return value.empty() ? Json() : Json(value);
    } else if constexpr (std::is_arithmetic_v<T>) {
      return value;
    } else {
      Writer inner;
      members(inner, value);
      return std::move(inner.object);
    }
  }
};

/// Whether `text` has the form: '0' stands for a digit, 'x' for a hexadecimal one, the rest for itself.
bool has_form(std::string_view text, std::string_view form) {
  const auto fits = [](char c, char f) {
    const bool digit = c >= '0' && c <= '9';
    return f == '0' ? digit : f == 'x' ? digit || (c >= 'a' && c <= 'f') : c == f;
  };
  return std::ranges::equal(text, form, fits);
}

/// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), which is the same everywhere.
uint64_t hash(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  return hash;
}

}  // namespace

Json to_json(const Measurement& measurement) {
  Writer writer;
  writer("schema_version", kSchemaVersion);
  members(writer, measurement);
  return std::move(writer.object);
}

std::string to_text(const Measurement& measurement) {
  return to_json(measurement).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string make_id(const Measurement& measurement) {
  Measurement nameless = measurement;
  nameless.id.clear();
  std::string id = is_time(measurement.started_at) ? measurement.started_at : "0000-00-00T00:00:00Z";
  std::erase_if(id, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
  std::ranges::replace(id, 'T', '-');
  return fmt::format("{}-{:04x}", id, hash(to_text(nameless)) & 0xffff);
}

bool is_id(std::string_view text) { return has_form(text, "00000000-000000-xxxx"); }

bool is_time(std::string_view text) {
  if (!has_form(text, "0000-00-00T00:00:00Z")) return false;
  const auto number = [text](size_t at, size_t n) {
    unsigned value = 0;
    for (const char c : text.substr(at, n)) value = 10 * value + static_cast<unsigned>(c - '0');
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(number(0, 4))),
                                        std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
  return day.ok() && number(11, 2) < 24 && number(14, 2) < 60 && number(17, 2) <= 60;  // a leap second
}

}  // namespace halcyon::report
