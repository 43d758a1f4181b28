// Writes GGUF files, version 3. Nothing appears under the final name before it is complete.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "gguf/gguf.h"

namespace halcyon::gguf {

/// A tensor to write whose bytes are in memory that outlives the writing. Tensors of a File can be written as
/// they are. `ne` has 1 to 4 dimensions, fastest-varying first; fails if they and `type` do not make
/// `data.size()` bytes.
Result<Tensor> memory_tensor(std::string name, quant::Type type, std::span<const int64_t> ne,
                             std::span<const std::byte> data);

/// The metadata for a copy of a model, which is a single file even if the original is split.
Metadata without_split_keys(const Metadata& metadata);

/// The bytes of a file. `general.alignment` of the metadata is respected here and below.
Result<std::string> to_bytes(const Metadata& metadata, std::span<const Tensor> tensors);

/// Writes a file, replacing what has the name. The tensors' own files may be replaced.
Result<void> write_file(const std::string& path, const Metadata& metadata, std::span<const Tensor> tensors);

/// What one part of a split model may hold. A tensor larger than `bytes` gets a part of its own.
struct PartLimits {
  size_t tensors = std::numeric_limits<size_t>::max();
  uint64_t bytes = std::numeric_limits<uint64_t>::max();  ///< of tensor data
};

/// Writes `prefix`-00001-of-0000n.gguf, …, with the metadata in the first (GGUF spec, "Sharding"), and
/// returns their paths. Either all appear or, unless a rename fails, none.
Result<std::vector<std::string>> write_split(const std::string& prefix, const Metadata& metadata,
                                             std::span<const Tensor> tensors, const PartLimits& limits);

}  // namespace halcyon::gguf
