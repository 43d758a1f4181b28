// The kernels of one ISA, as the executable calls them. Their meaning is said where they are written, in
// *-inl.h.
#pragma once

#include <cstdint>

#include "backend/cpu/attention.h"
#include "backend/cpu/delta_net.h"
#include "backend/cpu/isa.h"
#include "backend/cpu/limits.h"
#include "backend/cpu/matmul.h"
#include "backend/cpu/step.h"
#include "program/ops.h"
#include "quant/type.h"

namespace halcyon::cpu {

/// moe_route() has room for so many.
inline constexpr int64_t kMaxExperts = 512;

struct Kernels {
  Isa isa;
  const LimitLoops* limits;  ///< what they are measured by

  // matmul-inl.h
  int activation_offset;  ///< in QuantizedGroup::codes
  void (*quantize_row)(const float* x, int64_t n, void* row);
  MatMulKernel (*matmul)(quant::Type type);  ///< nullptr: no kernel for that type

  // elementwise-inl.h
  void (*rms_norm)(const float* x, const float* weight, int64_t n, float eps, float* out);
  void (*l2_norm)(const float* x, int64_t n, float eps, float factor, float* out);
  void (*add)(const float* a, const float* b, int64_t n, float* out);
  void (*glu)(program::Activation kind, const float* gate, const float* up, int64_t n, float* out);
  void (*sigmoid)(const float* x, int64_t n, float* out);
  void (*sigmoid_gate)(const float* x, const float* gate, bool one_gate, int64_t n, float* out);
  void (*softcap)(const float* x, float cap, int64_t n, float* out);
  void (*rope)(const float* x, const float* cos, const float* sin, int64_t pairs, bool interleaved,
               int64_t head_dim, float* out);
  void (*moe_route)(program::Gating gating, const float* logits, int64_t n, int64_t n_used, int32_t* ids,
                    float* weights);
  void (*weighted_sum)(const float* x, const float* weights, int64_t n_slots, int64_t n, float* out);

  // attention-inl.h
  void (*store_kv)(const AttentionArgs&, const Step&, Part);
  void (*attend)(const AttentionArgs&, const Step&, Part);

  // delta_net-inl.h
  void (*causal_conv)(const ConvArgs&, const Step&, Part);
  void (*delta_net)(const DeltaArgs&, const Step&, Part);
  void (*delta_net_remember)(const DeltaArgs&, const Step&, Part);
};

extern const Kernels kScalarKernels, kAvx2Kernels, kAvx512Kernels;

/// The kernels of an ISA that this machine supports.
const Kernels& kernels(Isa isa);

}  // namespace halcyon::cpu
