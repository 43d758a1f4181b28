// Files of the kernel, read under a root that tests can replace.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace halcyon {

/// Where /proc and /sys are: "/" or, in tests, a folder that looks like it.
class SystemRoot {
 public:
  SystemRoot() = default;
  explicit SystemRoot(std::filesystem::path root) : root_(std::move(root)) {}

  /// `path`, which begins with a slash, under this root.
  std::filesystem::path at(std::string_view path) const;

  /// The text of a file without the white space around it. The error has the path and the system's reason.
  Result<std::string> text(std::string_view path) const;

  /// The decimal number that a file consists of.
  Result<int64_t> number(std::string_view path) const;

  /// The names in a folder, sorted; none if it can't be read.
  std::vector<std::string> names(std::string_view folder) const;

 private:
  std::filesystem::path root_ = "/";
};

}  // namespace halcyon
