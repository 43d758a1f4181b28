#include "base/xdg.h"

#include <cstdlib>

namespace halcyon {
namespace {

/// The folder in a variable; empty if it has no absolute path, which the specification says to ignore.
std::filesystem::path folder_in(const char* variable) {
  const char* value = std::getenv(variable);
  std::filesystem::path folder = value != nullptr ? value : "";
  return folder.is_absolute() ? folder : std::filesystem::path();
}

}  // namespace

Result<std::filesystem::path> data_dir() {
  if (const auto data = folder_in("XDG_DATA_HOME"); !data.empty()) return data / "halcyon";
  if (const auto home = folder_in("HOME"); !home.empty()) return home / ".local" / "share" / "halcyon";
  return fail("no folder for Halcyon's data: set XDG_DATA_HOME or HOME to an absolute path");
}

}  // namespace halcyon
