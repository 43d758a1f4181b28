// Memory for rows of QuantizedGroups, which lie on cache lines.
#pragma once

#include <cstddef>
#include <vector>

#include "backend/cpu/matmul.h"

namespace halcyon::cpu::test {

class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(int64_t bytes) : lines_(static_cast<size_t>(bytes) / sizeof(QuantizedGroup) + 1) {}

  std::byte* data() { return reinterpret_cast<std::byte*>(lines_.data()); }
  const std::byte* data() const { return reinterpret_cast<const std::byte*>(lines_.data()); }

 private:
  std::vector<QuantizedGroup> lines_;
};

}  // namespace halcyon::cpu::test
