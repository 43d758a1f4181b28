// What a guard is told: command line and TOML file.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guard/guard.h"

namespace halcyon::guard {

/// Values as text, by the names that they have in the file; on the command line freeze_after is
/// --freeze-after.
using Settings = std::map<std::string, std::vector<std::string>>;

/// What one server is told, or all of them.
struct SettingInfo {
  const char *name, *type, *help;
  const char* standard;  ///< nullptr: none
  bool is_list = false;
};
std::span<const SettingInfo> server_settings();

/// The servers of a file and what it says for all of them; errors name file and line.
struct ConfigFile {
  Settings all;  ///< of the table [guard]
  std::vector<std::pair<std::string, Settings>> servers;
};
Result<ConfigFile> read_guard_file(const std::string& path);

/// A server's options: `settings` goes before `all`, and that before what is standard.
Result<ServerOptions> server_options(const std::string& name, const Settings& settings, const Settings& all);

/// "127.0.0.1:8080", "[::1]:8080", ":8080", "8080"
Result<std::pair<std::string, uint16_t>> parse_address(const std::string& text);

}  // namespace halcyon::guard
