// Reads documents that anybody may have written.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/byte_source.h"
#include "base/quote.h"
#include "report/measurement_members.h"

namespace halcyon::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMostBytes = 16 << 20;
constexpr int kMostDepth = 16;
constexpr size_t kMostElements = 10'000;
constexpr size_t kLongestText = 10'000;

/// A number without a fraction and sign: the library may hold it as a signed one.
std::optional<uint64_t> whole_number(const Json& value) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<int64_t>() < 0))
    return std::nullopt;
  return value.get<uint64_t>();
}

/// Reads the members of one object; the first mistake of the whole document is kept in `error`.
struct Reader {
  const Json& object;
  std::string path;  ///< of the object, with a dot at its end: "idle.after_load."
  std::optional<Error>& error;

  void operator()(const char* name, auto& out, Limits limits = {}) {
    const auto member = object.find(name);
    static const Json absent;
    read(member == object.end() ? absent : *member, path + name, out, limits);
  }
  void operator()(const char* name, std::string& out, Choices choices) {
    (*this)(name, out);
    if (!out.empty() && std::ranges::find(choices, out) == choices.end())
      reject(path + name, fmt::format("{} is none of {}", quote(out, 40), fmt::join(choices, ", ")));
  }

  void reject(const std::string& where, const std::string& what) {
    if (!error) error = Error{fmt::format("{}: {}", where, what)};
  }

  template <class T>
  void read(const Json& value, const std::string& where, T& out, Limits limits) {
    if (error) return;
    if constexpr (is_optional<T>) {
      if (!value.is_null()) read(value, where, out.emplace(), limits);
    } else if constexpr (is_vector<T>) {
      read_list(value, where, out, limits);
    } else if constexpr (std::same_as<T, std::string>) {
      if (!value.is_null()) read_text(value, where, out);
    } else if constexpr (std::same_as<T, Texts>) {
      read_texts(value, where, out);
    } else if constexpr (std::same_as<T, bool>) {
      if (!value.is_boolean()) return reject(where, "true or false was expected");
      out = value.template get<bool>();
    } else if constexpr (std::integral<T>) {
      const std::optional<uint64_t> number = whole_number(value);
      if (constexpr T kMost = std::numeric_limits<T>::max();
          !number || *number > static_cast<uint64_t>(kMost))
        return reject(where, fmt::format("a whole number from 0 to {} was expected", kMost));
      out = static_cast<T>(*number);
    } else if constexpr (std::floating_point<T>) {
      const double number = value.is_number() ? value.template get<double>() : std::nan("");
      if (!(number >= limits.least && number <= limits.most))
        return reject(where,
                      fmt::format("a number from {:g} to {:g} was expected", limits.least, limits.most));
      out = number;
    } else {
      if (value.is_null()) return;
      if (!value.is_object()) return reject(where, "an object was expected");
      Reader inner{value, where + ".", error};
      members(inner, out);
    }
  }

  void read_text(const Json& value, const std::string& where, std::string& out) {
    if (!value.is_string()) return reject(where, "a text was expected");
    out = value.get_ref<const std::string&>();
    if (out.size() > kLongestText)
      reject(where, fmt::format("{} bytes, {} are the most", out.size(), kLongestText));
  }

  template <class T>
  void read_list(const Json& value, const std::string& where, std::vector<T>& out, Limits limits) {
    if (value.is_null()) return;
    if (!value.is_array()) return reject(where, "a list was expected");
    if (value.size() > kMostElements)
      return reject(where, fmt::format("{} elements, {} are the most", value.size(), kMostElements));
    for (const Json& element : value) {
      const std::string at = fmt::format("{}[{}]", where, out.size());
      if (element.is_null()) return reject(at, "null is no element of a list");
      read(element, at, out.emplace_back(), limits);
    }
  }

  void read_texts(const Json& value, const std::string& where, Texts& out) {
    if (value.is_null()) return;
    if (!value.is_object()) return reject(where, "an object was expected");
    if (value.size() > kMostElements)
      return reject(where, fmt::format("{} members, {} are the most", value.size(), kMostElements));
    for (const auto& [name, text] : value.items())
      read_text(text, fmt::format("{}.{}", where, quote(name, 40)), out[name]);
  }
};

/// Thrown by the parser's callback, and caught around it.
struct TooDeep {};

Result<Json> parse_json(std::string_view text, const std::string& where) try {
  const auto check_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth) throw TooDeep();
    return true;
  };
  return Json::parse(text, check_depth);
} catch (const TooDeep&) {
  return fail("{}: not a measurement: nested deeper than {}", where, kMostDepth);
} catch (const Json::exception& error) {
  // Without the library's own names: "[json.exception.parse_error.101] parse error at line 1, column 2: …".
  const std::string_view what = error.what();
  const size_t name_end = what.find("] ");
  return fail("{}: not JSON: {}", where, what.substr(name_end == what.npos ? 0 : name_end + 2));
}

}  // namespace

Result<Measurement> from_json(const Json& document) {
  const auto member = document.find("schema_version");  // end() if it is no object
  if (member == document.end() || !member->is_number())
    return fail("not a measurement: it has no schema_version");
  const auto version = whole_number(*member);
  if (version.value_or(0) == 0) return fail("not a measurement: {} is no schema_version", member->dump());
  if (*version > kSchemaVersion)
    return fail("of schema version {}, and this Halcyon reads up to {}: use a newer one", *version,
                kSchemaVersion);

  std::optional<Error> error;
  Reader reader{document, "", error};
  Measurement measurement;
  members(reader, measurement);
  if (!measurement.id.empty() && !is_id(measurement.id))
    reader.reject("id", quote(measurement.id, 40) + " is not of the form 20260531-142233-1a2b");
  if (!is_time(measurement.started_at))
    reader.reject("started_at", "a time of the form 2026-05-31T14:22:33Z was expected");
  if (error) return std::unexpected(*std::move(error));
  return measurement;
}

Result<Measurement> parse_measurement(std::string_view text, const std::string& where) {
  if (text.size() > kMostBytes)
    return fail("{}: {} bytes are too many for a measurement ({} MiB)", where, text.size(), kMostBytes >> 20);
  TRY(const Json document, parse_json(text, where));
  Result<Measurement> measurement = from_json(document);
  if (!measurement) return std::unexpected(std::move(measurement.error()).in(where));
  return measurement;
}

Result<Measurement> load_measurement(const std::string& path) {
  TRY(const auto file, open_file(path));
  if (file->size() > kMostBytes)
    return fail("{}: {} bytes are too many for a measurement ({} MiB)", path, file->size(), kMostBytes >> 20);
  std::string text(file->size(), '\0');
  CHECK_OK(file->read(0, std::as_writable_bytes(std::span(text))));
  return parse_measurement(text, path);
}

}  // namespace halcyon::report
