// Files that are there whole or not at all.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace halcyon::report {

/// Writes a file by way of a temporary one beside it that takes its place once everything is on the disk:
/// what was there before stays until then, and if it fails. A symbolic link stays one. What is no regular
/// file, such as a pipe, is refused.
Result<void> write_atomically(const std::filesystem::path& path, std::string_view text);

}  // namespace halcyon::report
