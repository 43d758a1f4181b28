// A file that appears under its name when it is complete, or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace halcyon::gguf {

/// Written under a temporary name in the same folder. Without give_name() nothing of it is left.
class NewFile {
 public:
  /// Fails if `path` is there already and is not a regular file, such as a device.
  static Result<NewFile> create(const std::string& path);

  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Result<void> write(std::span<const std::byte> bytes);

  /// Waits until the bytes are on the disk. The file is complete.
  Result<void> close();

  /// Gives the closed file its name, replacing what had it.
  Result<void> give_name();

 private:
  NewFile(std::string path, std::string temporary, int fd);
  std::unexpected<Error> failed(std::string_view what) const;

  std::string path_;
  std::string temporary_;  // empty once the file has its name
  int fd_;
};

}  // namespace halcyon::gguf
