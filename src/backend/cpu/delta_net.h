// Gated delta net and its convolution: what the kernels need to know, resolved at load. The kernels are in
// delta_net-inl.h.
#pragma once

#include <cstdint>

#include "backend/cpu/step.h"
#include "program/program.h"

namespace halcyon::cpu {

/// Sizes of a key head that delta_net() has room for.
inline constexpr int32_t kMaxKeyDim = 256;

/// The convolution's memory of one layer: for each slot the rows that came in, for as far back as the
/// sequence may be truncated (to the start of its chunk) and d_conv - 1 more. The row of position p is row p
/// mod n_rows().
struct ConvLayer {
  program::ConvState shape;
  float* data = nullptr;    ///< slot 0: [n_rows(), channels]
  int64_t slot_stride = 0;  ///< floats from slot to slot

  int32_t n_rows() const { return kBlock + shape.d_conv - 1; }
  int64_t floats() const { return int64_t{n_rows()} * shape.channels; }
};

/// The delta net's memory of one layer. Positions are divided into chunks of kBlock; for each slot there is
///   units [n_v * n_strips()], each: S0 [dk, 16], the state at the start of the chunk, then d [kBlock, 16],
///   what the
///     tokens of the chunk wrote, both for a strip of sixteen columns (dv padded with zeros);
///   k [kBlock, n_k * dk] and g [kBlock, n_v] of the tokens of the chunk.
/// The units are in the order of their key heads: (key head, value head of that key head, strip).
struct DeltaLayer {
  program::DeltaState shape;
  float* data = nullptr;            ///< slot 0
  int64_t slot_stride = 0;          ///< floats from slot to slot
  const int32_t* chunks = nullptr;  ///< [slots] the chunk that a slot's memory is of

  int32_t n_strips() const { return (shape.dv + 15) / 16; }
  int32_t n_units() const { return shape.n_v * n_strips(); }
  int64_t unit_floats() const { return int64_t{shape.dk + kBlock} * 16; }
  int64_t k_offset() const { return n_units() * unit_floats(); }
  int64_t g_offset() const { return k_offset() + int64_t{kBlock} * shape.n_k * shape.dk; }
  int64_t floats() const { return g_offset() + int64_t{kBlock} * shape.n_v; }
};

/// Arguments of causal_conv().
struct ConvArgs {
  const float* x = nullptr;       ///< [T, channels]
  const float* kernel = nullptr;  ///< [d_conv, channels]: tap by tap, so transposed from the file
  float* out = nullptr;           ///< [T, channels]
  ConvLayer state;
};

/// Arguments of delta_net() and delta_net_remember().
struct DeltaArgs {
  const float* q = nullptr;     ///< [T, n_k * dk]
  const float* k = nullptr;     ///< [T, n_k * dk]
  const float* v = nullptr;     ///< [T, n_v * dv]
  const float* g = nullptr;     ///< [T, n_v], logarithms of the decays: below 0, unless the state is to grow
  const float* beta = nullptr;  ///< [T, n_v]
  float* out = nullptr;         ///< [T, n_v * dv]
  DeltaLayer state;
};

// In delta_net-inl.h, for an ISA S:
//   causal_conv<S>(const ConvArgs&, const Step&, Part)
//   delta_net<S>(const DeltaArgs&, const Step&, Part)            and after it, with a barrier between the
//   two: delta_net_remember<S>(const DeltaArgs&, const Step&, Part)   keeps the k and g of the last chunk

}  // namespace halcyon::cpu
