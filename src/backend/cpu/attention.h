// Attention over the paged KV cache: what the kernels need to know, resolved at load. The kernels are in
// attention-inl.h: store_kv() first, then attend(), with a barrier between the two.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend/cpu/step.h"

namespace halcyon::cpu {

/// Head sizes that attend() has room for.
inline constexpr int32_t kMaxHeadDim = 512;

/// Dimensions that share a scale in a q8_0 cache; the last group of a head may be smaller.
inline constexpr int32_t kKvGroup = 32;

/// The KV cache of one layer: blocks of kBlock positions, shared out to sequences by block tables. All
/// layers' parts of a block lie side by side, so that huge pages fill up. A layer's part holds for each KV
/// head, one after the other, of f32 and f16:
///   k [head_dim, kBlock]             transposed, so that sixteen positions are sixteen lanes
///   v [kBlock, padded_dim()]         rows padded to full lanes
/// and of q8_0, where two codes that are multiplied and added to each other lie side by side:
///   k [head_dim / 2, kBlock, 2]      head_dim rounded up
///   k_scales [groups, kBlock]        float16
///   v [kBlock / 2, padded_dim(), 2]
///   v_scales [groups, kBlock]        float16
struct KvLayer {
  backend::KvType type = backend::KvType::f16;
  int32_t n_head_kv = 0, head_dim = 0;
  std::byte* data = nullptr;                  ///< block 0, KV head 0
  int64_t block_stride = 0;                   ///< bytes from block to block: those of all layers
  int64_t head_stride = 0;                    ///< bytes from KV head to KV head within a block
  int64_t k_scales = 0, v = 0, v_scales = 0;  ///< bytes from the start of a head

  int32_t padded_dim() const { return (head_dim + 15) / 16 * 16; }
  std::byte* head(int32_t block, int32_t h) const { return data + block * block_stride + h * head_stride; }
};

/// Arguments of store_kv() and attend(); program::Attention says what is computed.
struct AttentionArgs {
  const float* q = nullptr;  ///< [T, n_head * head_dim]
  const float* k = nullptr;  ///< [T, n_head_kv * head_dim]
  const float* v = nullptr;  ///< [T, n_head_kv * head_dim]
  float* out = nullptr;      ///< [T, n_head * head_dim]
  KvLayer cache;
  int32_t n_head = 0;
  float scale = 1;
  int32_t window = 0;            ///< 0: none
  const float* sinks = nullptr;  ///< [n_head], or nullptr
};

// In attention-inl.h, for an ISA S:
//   store_kv<S>(const AttentionArgs&, const Step&, Part)   writes the step's k and v into the cache
//   attend<S>(const AttentionArgs&, const Step&, Part)     out = softmax(scale q K^T) V

}  // namespace halcyon::cpu
