// Reads the header of one GGUF file.
#pragma once

#include <memory>
#include <vector>

#include "gguf/gguf.h"

namespace halcyon::gguf {

/// What one file says. Left to check: names of tensors must be unique over all parts of a model.
struct Shard {
  std::shared_ptr<const ByteSource> source;
  uint32_t version = 3;
  Metadata metadata;
  std::vector<Tensor> tensors;
};

/// Throws std::bad_alloc if the memory does not suffice for a header of the size it has.
Result<Shard> read_shard(std::shared_ptr<const ByteSource> source);

}  // namespace halcyon::gguf
