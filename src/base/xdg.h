// Where files of a user are kept: the XDG Base Directory Specification.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace halcyon {

/// Halcyon's folder for what it keeps: $XDG_DATA_HOME/halcyon, or ~/.local/share/halcyon. It may not be there
/// yet. Fails if neither variable has an absolute path, with what to set.
Result<std::filesystem::path> data_dir();

}  // namespace halcyon
