// The configuration file: TOML, with the settings of `halcyon serve` in its table [serve].
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "serve/settings.h"

namespace halcyon::serve {

struct FileEntry {
  const Setting* setting;
  std::vector<std::string> values;  ///< as assign() takes them
  std::string origin;               ///< "path:line"
};

/// The entries of a file. Fails for what is no TOML, for keys that are no settings, and for values of another
/// type than the setting's, with file and line.
Result<std::vector<FileEntry>> read_config_file(const std::string& path);

}  // namespace halcyon::serve
