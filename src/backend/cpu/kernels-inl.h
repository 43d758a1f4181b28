// Fills the table of one ISA. Included by kernels_ISA.cpp alone, each compiled for its ISA.
#pragma once

#include "backend/cpu/attention-inl.h"
#include "backend/cpu/delta_net-inl.h"
#include "backend/cpu/elementwise-inl.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/matmul-inl.h"

namespace halcyon::cpu {

template <class S, class... Format>
MatMulKernel find_matmul(quant::Type type, Formats<Format...>) {
  MatMulKernel found = nullptr;
  ((Format::kType == type ? void(found = matmul<S, Format>) : void()), ...);
  return found;
}

template <class S>
MatMulKernel find_matmul(quant::Type type) {
  const MatMulKernel found = find_matmul<S>(type, FloatFormats{});
  return found ? found : find_matmul<S>(type, QuantizedFormats{});
}

constexpr const LimitLoops* limits_of(Isa isa) {
  if (isa == Isa::scalar) return &kScalarLimits;
  return isa == Isa::avx2 ? &kAvx2Limits : &kAvx512Limits;
}

template <class S>
constexpr Kernels make_kernels(Isa isa) {
  return {.isa = isa,
          .limits = limits_of(isa),
          .activation_offset = S::Lanes::kActivationOffset,
          .quantize_row = quantize_row<S>,
          .matmul = find_matmul<S>,
          .rms_norm = rms_norm<S>,
          .l2_norm = l2_norm<S>,
          .add = add<S>,
          .glu = glu<S>,
          .sigmoid = sigmoid_all<S>,
          .sigmoid_gate = sigmoid_gate<S>,
          .softcap = softcap<S>,
          .rope = rope<S>,
          .moe_route = moe_route<S>,
          .weighted_sum = weighted_sum<S>,
          .store_kv = store_kv<S>,
          .attend = attend<S>,
          .causal_conv = causal_conv<S>,
          .delta_net = delta_net<S>,
          .delta_net_remember = delta_net_remember<S>};
}

}  // namespace halcyon::cpu
