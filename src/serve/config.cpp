#include "serve/config.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/quote.h"
#include "serve/config_file.h"
#include "serve/settings.h"

namespace halcyon::serve {
namespace {

/// Where the value of each row of settings() comes from.
using Origins = std::vector<std::string>;

size_t row_of(std::string_view name) {
  return static_cast<size_t>(std::ranges::find(settings(), name, &Setting::name) - settings().begin());
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The file to read; empty for none.
std::string config_path(const ServeCommandLine& line, const Environment& environment) {
  if (!line.config_file.empty()) return line.config_file;
  std::filesystem::path folder = environment("XDG_CONFIG_HOME").value_or("");
  if (!folder.is_absolute()) {  // XDG Base Directory Specification: others are to be ignored
    folder = environment("HOME").value_or("");
    if (!folder.is_absolute()) return {};
    folder /= ".config";
  }
  const std::filesystem::path path = folder / "halcyon" / "config.toml";
  std::error_code error;
  return std::filesystem::exists(path, error) || error ? path.string() : "";
}

Result<void> assign_from(ServeConfig& config, Origins& origins, const Setting& setting,
                         const std::vector<std::string>& values, const std::string& origin) {
  if (auto assigned = assign(config, setting, values); !assigned)
    return fail("{}: {}: {}", origin, setting.name, assigned.error().message);
  origins[row_of(setting.name)] = origin;
  return {};
}

/// Whether only this machine can reach the address.
bool is_local(const std::string& host) {
  if (host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/// What no single setting can be blamed for.
Result<void> check(const ServeConfig& config, const Origins& origins, bool activated) {
  const auto origin = [&](std::string_view name) { return origins[row_of(name)]; };
  if (config.host.empty()) return fail("{}: host: expected an address", origin("host"));
  if (config.aliases.size() > std::max<size_t>(1, config.models.size()))
    return fail("{}: alias: more names ({}) than models ({})", origin("alias"), config.aliases.size(),
                std::max<size_t>(1, config.models.size()));
  if (config.tls_cert.empty() != config.tls_key.empty()) {
    const auto [given, missing] =
        config.tls_key.empty() ? std::pair("tls_cert", "tls_key") : std::pair("tls_key", "tls_cert");
    return fail("{}: {} without {}: HTTPS needs both", origin(given), given, missing);
  }
  if (!activated && !is_local(config.host) && config.api_key_file.empty() && !config.insecure)
    return fail(
        "{}: host: everybody who reaches {} could use the models: name a file of keys with --api-key-file, "
        "or say --insecure if that is meant",
        origin("host"), quote(config.host));
  return {};
}

std::string print(const ServeConfig& config, const Origins& origins) {
  std::string text = "[serve]\n";
  for (const Setting& setting : settings())
    text +=
        fmt::format("{} = {}  # {}\n", setting.name, to_toml(config, setting), origins[row_of(setting.name)]);
  return text;
}

}  // namespace

void add_serve_options(CLI::App& app, ServeCommandLine& line) {
  static const ServeConfig defaults;
  line.values.resize(settings().size());
  for (const Setting& setting : settings()) {
    std::vector<std::string>& values = line.values[row_of(setting.name)];
    const std::string help(setting.help);
    if (std::holds_alternative<FlagField>(setting.field)) {
      app.add_flag_function(
          setting.option(), [&values](int64_t count) { values = {count > 0 ? "true" : "false"}; }, help);
      continue;
    }
    const std::string names = (setting.name == "model" ? "-m," : "") + setting.option();
    CLI::Option* option = app.add_option(names, values, help);
    option->type_name(std::string(setting.unit))->default_str(to_text(defaults, setting));
    option->check(
        [&setting](const std::string& value) {
          ServeConfig scratch;
          const auto assigned = assign(scratch, setting, {value});
          return assigned ? "" : assigned.error().message;
        },
        "");
    if (std::holds_alternative<ListField>(setting.field)) {
      option->allow_extra_args(false);
    } else {
      option->expected(1);
    }
  }
  app.add_option("--config", line.config_file, "Settings as TOML (default: ~/.config/halcyon/config.toml)")
      ->type_name("FILE");
  app.add_flag("--print-config", line.print_config, "Print the settings and where they come from, and end");
}

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

Result<ResolvedConfig> resolve(const ServeCommandLine& line, const Environment& environment, bool activated) {
  ServeConfig config;
  Origins origins(settings().size(), "default");

  if (const std::string path = config_path(line, environment); !path.empty()) {
    TRY(const std::vector<FileEntry> entries, read_config_file(path));
    for (const FileEntry& entry : entries)
      CHECK_OK(assign_from(config, origins, *entry.setting, entry.values, entry.origin));
  }
  for (const Setting& setting : settings()) {
    const std::string text = environment(setting.variable()).value_or("");
    if (text.empty()) continue;
    const auto* list = std::get_if<ListField>(&setting.field);
    const auto values = list != nullptr ? split(text, list->separator) : std::vector{text};
    CHECK_OK(assign_from(config, origins, setting, values, setting.variable()));
  }
  for (const Setting& setting : settings()) {
    const size_t row = row_of(setting.name);
    if (row >= line.values.size() || line.values[row].empty()) continue;
    CHECK_OK(assign_from(config, origins, setting, line.values[row], "command line"));
  }

  CHECK_OK(check(config, origins, activated));
  return ResolvedConfig{config, print(config, origins)};
}

}  // namespace halcyon::serve
