#include "backend/cpu/kernels.h"

namespace halcyon::cpu {

const Kernels& kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return kAvx512Kernels;
  if (isa == Isa::avx2) return kAvx2Kernels;
#endif
  (void)isa;  // other processors have the one that is left
  return kScalarKernels;
}

}  // namespace halcyon::cpu
