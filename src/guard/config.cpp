#include "guard/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "base/byte_source.h"
#include "base/quantity.h"
#include "base/quote.h"
#include "measure/port.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace halcyon::guard {
namespace {

constexpr uint64_t kMaxConfigFile = 64 << 10;  // bytes; bounds the recursion of toml++

// One row for each; what a row does is in apply().
constexpr std::array kSettings = {
    SettingInfo{"upstream_port", "N",
                "The server's port; without it a free one for each start, {port} in the command", nullptr},
    SettingInfo{"freeze_after", "TIME", "Freeze the server after so long without a request, or never", "5s"},
    SettingInfo{"stop_after", "TIME", "Stop it after so long without a request, or never", "15m"},
    SettingInfo{"verify", "TIME", "After so long of being frozen see whether the burn is gone, or never",
                "30s"},
    SettingInfo{"spin_after", "TIME",
                "CPU or GPU use that goes on for so long at a steady rate is idle spin, not work", "30s"},
    SettingInfo{"start_timeout", "TIME", "Time to become ready", "10m"},
    SettingInfo{"health", "PATH", "Asked until it is answered: the server is ready then", "/health"},
    SettingInfo{"max_queue", "N", "Requests that may wait for the server", "256"},
    SettingInfo{"max_crashes", "N", "So many within a minute stop the restarts for a minute", "5"},
    SettingInfo{"wake_on", "PATH",
                "Wakes the server though it is answered from memory otherwise: /health, /v1/models, /metrics",
                nullptr, true},
    SettingInfo{"freezer", "KIND", "cgroup, or signal (SIGSTOP)", "cgroup"},
    SettingInfo{"command", "ARRAY", "The command and its words", nullptr, true},
    SettingInfo{"models", "ARRAY", "Models whose requests are for it", nullptr, true},
    SettingInfo{"exclusive", "GROUP", "Of the servers of one group one is awake at a time", nullptr},
    SettingInfo{"memory", "BYTES", "What it needs to start, such as 20G; without it what it last used",
                nullptr},
};

/// The only value of a setting; empty if it has none.
std::optional<std::string> value_of(const std::string& name, const Settings& own, const Settings& all) {
  for (const Settings* settings : {&own, &all})
    if (const auto found = settings->find(name); found != settings->end() && !found->second.empty())
      return found->second.back();
  const auto* row = std::ranges::find(kSettings, name, &SettingInfo::name);
  return row->standard ? std::optional<std::string>(row->standard) : std::nullopt;
}

Result<Clock::duration> duration(const std::string& name, const std::string& text) {
  if (text == "never") return kNever;
  const auto time = parse_duration(text);
  if (!time) return fail("{}: {} is no time such as 500ms, 5s, 15m, or never", name, quote(text));
  return *time;
}

template <class T>
Result<T> whole(const std::string& name, const std::string& text, T low, T high) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    return fail("{}: {} is no number from {} to {}", name, quote(text), low, high);
  return value;
}

Result<std::vector<std::string>> values_of(const toml::node& node, bool is_list) {
  if (const auto text = node.value_exact<std::string>()) return std::vector{*text};
  if (const auto number = node.value_exact<int64_t>()) return std::vector{std::to_string(*number)};
  if (const auto number = node.value_exact<double>()) return std::vector{fmt::format("{}", *number)};
  const toml::array* const array = node.as_array();
  if (!array || !is_list)
    return fail("expected {}", is_list ? "an array of strings" : "a string or a number");
  std::vector<std::string> values;
  for (const toml::node& item : *array) {
    const auto text = item.value_exact<std::string>();
    if (!text) return fail("expected an array of strings");
    values.push_back(*text);
  }
  return values;
}

}  // namespace

std::span<const SettingInfo> server_settings() { return kSettings; }

Result<ConfigFile> read_guard_file(const std::string& path) {
  TRY(const std::string text, read_text(path, kMaxConfigFile, "a configuration file"));
  const toml::parse_result parsed = toml::parse(std::string_view(text));
  if (!parsed)
    return fail("{}:{}: {}", path, parsed.error().source().begin.line,
                quote(parsed.error().description(), 300));

  ConfigFile file;
  const auto at = [&path](const toml::node& node) {
    return fmt::format("{}:{}", path, node.source().begin.line);
  };
  const auto read_table = [&](const toml::table& table, bool is_server) -> Result<Settings> {
    Settings settings;
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const bool guards_own = !is_server && (name == "listen" || name == "watts_per_core");
      const auto* row = std::ranges::find(kSettings, name, &SettingInfo::name);
      if (!is_server && (name == "command" || name == "models"))
        return fail("{}: {} belongs to one server: write it below [server.NAME]", at(node), name);
      if (!guards_own && row == kSettings.end())
        return fail("{}: unknown setting {}; docs/GUARD.md lists them", at(node), quote(name));
      auto values = values_of(node, !guards_own && row->is_list);
      if (!values)
        return std::unexpected(std::move(values.error()).in(fmt::format("{}: {}", at(node), name)));
      settings[name] = std::move(*values);
    }
    return settings;
  };
  for (const auto& [key, node] : parsed.table()) {
    const toml::table* const table = node.as_table();
    if (key.str() == "guard" && table) {
      TRY(file.all, read_table(*table, false));
    } else if (key.str() == "server" && table) {
      std::vector<std::pair<uint32_t, std::pair<std::string, Settings>>> servers;  // by line
      for (const auto& [name, server] : *table) {
        if (!server.is_table()) return fail("{}: a server is a table: [server.NAME]", at(server));
        TRY(Settings settings, read_table(*server.as_table(), true));
        servers.push_back({server.source().begin.line, {std::string(name.str()), std::move(settings)}});
      }
      std::ranges::sort(servers, {}, [](const auto& server) { return server.first; });
      for (auto& server : servers) file.servers.push_back(std::move(server.second));
    } else {
      return fail("{}: unknown table {}: there are [guard] and [server.NAME]", at(node), quote(key.str()));
    }
  }
  if (file.servers.empty()) return fail("{}: it has no [server.NAME]", path);
  return file;
}

Result<ServerOptions> server_options(const std::string& name, const Settings& own, const Settings& all) {
  ServerOptions options;
  options.name = name;
  const bool fine = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
  if (!fine) return fail("{}: a server's name has letters, digits, '-', '_' and '.'", quote(name));

  const auto set_time = [&](const char* setting, Clock::duration& time) -> Result<void> {
    TRY(time, duration(setting, *value_of(setting, own, all)));
    return {};
  };
  CHECK_OK(set_time("freeze_after", options.policy.freeze_after));
  CHECK_OK(set_time("stop_after", options.policy.stop_after));
  CHECK_OK(set_time("verify", options.policy.verify_after));
  CHECK_OK(set_time("spin_after", options.spin_after));
  CHECK_OK(set_time("start_timeout", options.start_timeout));
  if (options.start_timeout == kNever)
    return fail("start_timeout: a server that never gets ready is given up some time");
  TRY(options.policy.max_queue, whole<size_t>("max_queue", *value_of("max_queue", own, all), 1, 1'000'000));
  TRY(options.policy.max_crashes,
      whole<size_t>("max_crashes", *value_of("max_crashes", own, all), 1, 1'000'000));
  options.health = *value_of("health", own, all);
  if (!options.health.starts_with('/') || options.health.find_first_of(" \r\n") != std::string::npos)
    return fail("health: {} is no path such as /health", quote(options.health));
  const std::string freezer = *value_of("freezer", own, all);
  if (freezer != "cgroup" && freezer != "signal")
    return fail("freezer: {} is not cgroup or signal", quote(freezer));
  options.use_cgroup = freezer == "cgroup";
  for (const Settings* settings : {&all, &own})
    if (const auto found = settings->find("wake_on"); found != settings->end())
      for (const std::string& path : found->second)
        if (std::erase(options.asleep, path) == 0)
          return fail("wake_on: {} wakes it anyway; without wake_on /health, /v1/models and /metrics do not",
                      quote(path));
  if (const auto port = value_of("upstream_port", own, all)) {
    TRY(options.port, whole<uint16_t>("upstream_port", *port, 1, 65535));
  }
  if (const auto found = own.find("command"); found != own.end()) options.command = found->second;
  if (const auto found = own.find("models"); found != own.end()) options.models = found->second;
  options.exclusive = value_of("exclusive", own, all).value_or("");
  if (const auto memory = value_of("memory", own, all)) {
    const auto bytes = parse_bytes(*memory);
    if (!bytes) return fail("memory: {} is no size such as 20G", quote(*memory));
    options.memory = static_cast<uint64_t>(*bytes);
  }
  if (options.command.empty() || options.command.front().empty()) return fail("{}: it has no command", name);
  if (!measure::wants_port(options.command) && options.port == 0) {
    if (const auto port = measure::port_in(options.command))
      return fail("{}: the command fixes port {}: write {{port}} instead of it, or add --upstream-port {}",
                  name, *port, *port);
    return fail(
        "{}: the command does not say which port to listen on: write {{port}} where it goes, "
        "such as --port {{port}}, or give --upstream-port",
        name);
  }
  return options;
}

Result<std::pair<std::string, uint16_t>> parse_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  std::string host = colon == text.npos ? "" : text.substr(0, colon);
  const std::string port = colon == text.npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "127.0.0.1";
  const auto number = whole<uint16_t>("--listen", port, 0, 65535);
  if (!number) return fail("--listen: {} is no address such as 127.0.0.1:8080", quote(text));
  return std::pair{host, *number};
}

}  // namespace halcyon::guard
