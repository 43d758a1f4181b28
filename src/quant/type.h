// Tensor types: ids as in GGUF files, block sizes, and the scalar reference decoder of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace halcyon::quant {

// clang-format off
/// Tensor type ids of GGUF files. Ids from 100 on are those of the ROCmFPX family.
enum class Type : int32_t {
  f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q8_1 = 9,
  q2_K = 10, q3_K = 11, q4_K = 12, q5_K = 13, q6_K = 14, q8_K = 15,
  iq2_xxs = 16, iq2_xs = 17, iq3_xxs = 18, iq1_s = 19, iq4_nl = 20, iq3_s = 21, iq2_s = 22, iq4_xs = 23,
  i8 = 24, i16 = 25, i32 = 26, i64 = 27, f64 = 28, iq1_m = 29, bf16 = 30, tq1_0 = 34, tq2_0 = 35,
  mxfp4 = 39, nvfp4 = 40, q1_0 = 41,
  q4_0_rocmfp4 = 100, q4_0_rocmfp4_fast = 101, q6_0_rocmfpx = 102, q8_0_rocmfpx = 103, q3_0_rocmfpx = 104,
  q2_0_rocmfpx = 107,
};
// clang-format on

/// Decodes `n` elements (a multiple of the block) from `src`, of any alignment, to float32. Each value rounds
/// at most once, so any other decoder can be compared with these bit for bit.
using Decoder = void (*)(const std::byte* src, float* dst, size_t n);

/// What is fixed about a type.
struct Traits {
  Type type;
  std::string_view name;  ///< as tools print it: "q4_K"
  uint32_t block;         ///< elements per block
  uint32_t bytes;         ///< bytes per block
  Decoder decode;         ///< nullptr: Halcyon can list tensors of this type but not run them
};

/// The traits of a type id as read from a file; nullptr if the id is unknown or retired.
const Traits* find_traits(int32_t type_id);

/// The traits of a known type.
const Traits& traits(Type type);

inline std::string_view name_of(Type type) { return traits(type).name; }

/// Bytes of a row of `n` elements, a multiple of the block.
inline size_t row_bytes(Type type, int64_t n) {
  const Traits& t = traits(type);
  return static_cast<size_t>(n) / t.block * t.bytes;
}

}  // namespace halcyon::quant
