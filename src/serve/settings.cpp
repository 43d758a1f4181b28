#include "serve/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <utility>

#include "base/quantity.h"
#include "base/quote.h"

namespace halcyon::serve {
namespace {

constexpr int32_t kUnbounded = std::numeric_limits<int32_t>::max();
using C = ServeConfig;

constexpr Setting kSettings[] = {
    {"model", "FILE", ListField{&C::models, ':'},
     "GGUF file to serve; may be repeated (default: the model inside)"},
    {"alias", "NAME", ListField{&C::aliases, ','},
     "Name of a model for clients: the first is that of the first FILE"},
    {"host", "ADDRESS", TextField{&C::host}, "Address or name to listen on"},
    {"port", "N", IntegerField{&C::port, 0, 65535}, "Port to listen on; 0: any that is free"},
    {"ctx", "N", IntegerField{&C::ctx, 0, 1 << 30},
     "Positions of the context of each request; 0: the model's"},
    {"parallel", "N", IntegerField{&C::parallel, 1, 256}, "Requests that a model works on at once"},
    {"kv", "TYPE", KvField{&C::kv}, "Type of keys and values in memory: f16, f32 or q8_0"},
    {"threads", "N", IntegerField{&C::threads, 0, 1024}, "Threads to compute with; 0: one per core"},
    {"unload_after", "TIME", DurationField{&C::unload_after},
     "Free a model's memory after so long without a request"},
    {"keep_alive", "TIME", DurationField{&C::keep_alive},
     "Close a connection after so long without a request"},
    {"grace", "TIME", DurationField{&C::grace}, "Let running answers end for so long when told to stop"},
    {"max_queue", "N", IntegerField{&C::max_queue, 0, kUnbounded},
     "Requests that may wait; more are refused"},
    {"max_body", "BYTES", BytesField{&C::max_body, 1 << 10, 1 << 30},
     "Size of a request; larger ones are refused"},
    {"api_key_file", "FILE", TextField{&C::api_key_file}, "Keys that clients must show, one per line"},
    {"tls_cert", "FILE", TextField{&C::tls_cert}, "Certificate chain (PEM): serve HTTPS"},
    {"tls_key", "FILE", TextField{&C::tls_key}, "Private key of the certificate (PEM)"},
    {"cors", "ORIGIN", ListField{&C::cors, ','},
     "Web page that may ask from a browser; may be repeated; *: all"},
    {"insecure", "", FlagField{&C::insecure}, "Serve others than this machine without keys"},
    {"metrics", "", FlagField{&C::metrics}, "Offer GET /metrics"},
    {"watts_per_core", "WATTS", NumberField{&C::watts_per_core, 0, 1000},
     "Power of an active core, where energy can't be measured and is estimated"},
    {"gpu_watts", "WATTS", NumberField{&C::gpu_watts, 0, 10000},
     "Power of a busy GPU, where it can't be measured and is estimated"},
    {"log_json", "", FlagField{&C::log_json}, "Write the log as JSON lines"},
};

constexpr std::array<std::pair<std::string_view, backend::KvType>, 3> kKvTypes = {
    {{"f16", backend::KvType::f16}, {"f32", backend::KvType::f32}, {"q8_0", backend::KvType::q8_0}}};

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A basic string of TOML.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (std::iscntrl(static_cast<unsigned char>(c))) {
      out += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// Reads one value into one kind of field.
struct Assign {
  ServeConfig& config;
  const std::string& text;

  Result<void> operator()(const FlagField& field) const {
    if (text != "true" && text != "false" && text != "1" && text != "0") return expected("true or false");
    config.*field.member = text == "true" || text == "1";
    return {};
  }
  Result<void> operator()(const IntegerField& field) const {
    const auto value = parse_integer(text);
    if (!value || *value < field.min || *value > field.max)
      return expected(fmt::format("an integer from {} to {}", field.min, field.max));
    config.*field.member = static_cast<int32_t>(*value);
    return {};
  }
  Result<void> operator()(const NumberField& field) const {
    const auto value = parse_number(text);
    // Not a number compares with nothing.
    if (!value || !(*value >= field.min && *value <= field.max))
      return expected(fmt::format("a number from {} to {}", field.min, field.max));
    config.*field.member = *value;
    return {};
  }
  Result<void> operator()(const BytesField& field) const {
    const auto value = parse_bytes(text);
    if (!value || std::cmp_less(*value, field.min) || std::cmp_greater(*value, field.max))
      return expected(
          fmt::format("a size from {} to {} such as 32M", format_bytes(field.min), format_bytes(field.max)));
    config.*field.member = static_cast<uint64_t>(*value);
    return {};
  }
  Result<void> operator()(const DurationField& field) const {
    (config.*field.member).reset();
    if (text == "never" || text == "-1") return {};
    config.*field.member = parse_duration(text);
    if (config.*field.member) return {};
    return expected("a time of at most 366d such as 10s or 1h30m, a number of seconds, or never");
  }
  Result<void> operator()(const TextField& field) const {
    config.*field.member = text;
    return {};
  }
  Result<void> operator()(const ListField& field) const {
    if (text.empty()) return expected("a text");
    (config.*field.member).push_back(text);
    return {};
  }
  Result<void> operator()(const KvField& field) const {
    for (const auto& [name, type] : kKvTypes) {
      if (text == name) return config.*field.member = type, Result<void>();
    }
    return expected("f16, f32 or q8_0");
  }

  std::unexpected<Error> expected(std::string_view what) const {
    return fail("expected {}, got {}", what, quote(text));
  }
};

struct ToText {
  const ServeConfig& config;

  std::string operator()(const FlagField& field) const { return config.*field.member ? "true" : "false"; }
  std::string operator()(const IntegerField& field) const { return std::to_string(config.*field.member); }
  std::string operator()(const NumberField& field) const { return fmt::format("{}", config.*field.member); }
  std::string operator()(const BytesField& field) const { return format_bytes(config.*field.member); }
  std::string operator()(const DurationField& field) const {
    const auto& time = config.*field.member;
    return time ? format_duration(*time) : "never";
  }
  std::string operator()(const TextField& field) const { return config.*field.member; }
  std::string operator()(const ListField&) const { return {}; }
  std::string operator()(const KvField& field) const {
    return std::string(
        std::ranges::find(kKvTypes, config.*field.member, [](const auto& row) { return row.second; })->first);
  }
};

}  // namespace

std::string Setting::option() const {
  std::string option = "--" + std::string(name);
  std::ranges::replace(option, '_', '-');
  return option;
}

std::string Setting::variable() const {
  std::string variable = "HALCYON_";
  for (const char c : name) variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return variable;
}

std::span<const Setting> settings() { return kSettings; }

Result<void> assign(ServeConfig& config, const Setting& setting, const std::vector<std::string>& values) {
  if (const auto* list = std::get_if<ListField>(&setting.field)) {
    (config.*list->member).clear();
  } else if (values.size() != 1) {
    return fail("expected one value, got {}", values.size());
  }
  for (const std::string& value : values) CHECK_OK(std::visit(Assign{config, value}, setting.field));
  return {};
}

std::string to_text(const ServeConfig& config, const Setting& setting) {
  return std::visit(ToText{config}, setting.field);
}

std::string to_toml(const ServeConfig& config, const Setting& setting) {
  if (const auto* list = std::get_if<ListField>(&setting.field)) {
    std::string items;
    for (const std::string& item : config.*list->member)
      items += (items.empty() ? "" : ", ") + toml_string(item);
    return "[" + items + "]";
  }
  const std::string text = to_text(config, setting);
  const bool bare = std::holds_alternative<FlagField>(setting.field) ||
                    std::holds_alternative<IntegerField>(setting.field) ||
                    std::holds_alternative<NumberField>(setting.field);
  return bare ? text : toml_string(text);
}

}  // namespace halcyon::serve
