// Random access to bytes that are not ours: a file, or memory such as the embedded model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace halcyon {

/// Read-only bytes with a fixed size. Reads may come from several threads at once.
///
/// Files are read, not mapped: a file that shrinks or a disk that fails is then an error value and not a
/// SIGBUS, and pages that were read never count as our memory.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  virtual const std::string& name() const = 0;  ///< for messages
  virtual uint64_t size() const = 0;            ///< bytes

  /// Fills `out` with the bytes at `offset`. Fails if they are not all there.
  virtual Result<void> read(uint64_t offset, std::span<std::byte> out) const = 0;
};

/// Opens a regular file. The error names the path and the system's reason.
Result<std::shared_ptr<const ByteSource>> open_file(const std::string& path);

/// All of a file that people write. `what` it is, with its article, is for the error of one that is longer.
Result<std::string> read_text(const std::string& path, uint64_t most_bytes, std::string_view what);

/// A view of memory that outlives the source.
std::shared_ptr<const ByteSource> memory_source(std::string name, std::span<const std::byte> bytes);

}  // namespace halcyon
