// The rules of the container that reader and writer share.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gguf/gguf.h"

namespace halcyon::gguf {

inline constexpr std::string_view kMagic = "GGUF";
inline constexpr size_t kMaxTensorName = 63;  ///< bytes; readers keep names in 64 with a terminating zero
inline constexpr uint32_t kDefaultAlignment = 32;

constexpr uint64_t align_up(uint64_t n, uint64_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

/// `general.alignment`: a power of two.
Result<uint32_t> alignment_of(const Metadata& metadata);

/// The bytes of a tensor, after checking its name, and its shape against its type.
Result<uint64_t> checked_size(const Tensor& tensor);

/// The path of part `no`, from 0, of `count` of a split model: `prefix`-00001-of-00003.gguf.
std::string part_path(std::string_view prefix, uint32_t no, uint32_t count);

}  // namespace halcyon::gguf
