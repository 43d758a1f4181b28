// What `halcyon serve` is told: by its command line, HALCYON_* variables and a file, in this order of
// precedence. The settings themselves are the table in serve/settings.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"

namespace CLI {
class App;
}

namespace halcyon::serve {

struct ServeConfig {
  std::vector<std::string> models;   ///< GGUF files; none: the embedded model
  std::vector<std::string> aliases;  ///< names of the models, in their order; perhaps fewer
  std::string host = "127.0.0.1";    ///< an address or a name
  int32_t port = 8080;               ///< 0: any that is free
  int32_t ctx = 0;                   ///< positions of a sequence; 0: the model's
  int32_t parallel = 4;              ///< requests that a model works on at once
  backend::KvType kv = backend::KvType::f16;
  int32_t threads = 0;                                    ///< 0: all cores
  std::optional<std::chrono::milliseconds> unload_after;  ///< without a request; none: never
  std::optional<std::chrono::milliseconds> keep_alive{
      600'000};  ///< of a connection without a request; none: for ever
  std::optional<std::chrono::milliseconds> grace{
      30'000};                    ///< for answers at the end; none: as long as they take
  int32_t max_queue = 64;         ///< requests that wait for a model
  uint64_t max_body = 32 << 20;   ///< bytes of a request
  std::string api_key_file;       ///< empty: no keys
  std::string tls_cert, tls_key;  ///< PEM files, both or none
  std::vector<std::string> cors;  ///< origins that browsers may ask from, or "*"
  bool insecure = false;          ///< serve the network without keys
  bool metrics = false;
  double watts_per_core = 4;  ///< where energy is estimated
  double gpu_watts = 40;      ///< likewise
  bool log_json = false;
};

/// What the command line said.
struct ServeCommandLine {
  std::vector<std::vector<std::string>> values;  ///< of each row of settings(); empty: not given
  std::string config_file;                       ///< empty: the usual one, if it is there
  bool print_config = false;
};

/// Declares the options of `halcyon serve`; `line` must outlive the parsing of them.
void add_serve_options(CLI::App& app, ServeCommandLine& line);

/// The value of an environment variable, if it is set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// That of this process.
std::optional<std::string> process_environment(const std::string& name);

struct ResolvedConfig {
  ServeConfig config;
  std::string toml;  ///< every setting as a configuration file, with where it came from
};

/// Reads the file ($XDG_CONFIG_HOME/halcyon/config.toml or ~/.config/halcyon/config.toml unless the line
/// names one) and the variables, and checks that the settings go together: without keys only this machine is
/// served. `activated`: there is a socket from systemd (activated_socket()), whose unit says who can reach
/// it, and host and port do not count. An error says where the setting is.
Result<ResolvedConfig> resolve(const ServeCommandLine& line, const Environment& environment, bool activated);

}  // namespace halcyon::serve
