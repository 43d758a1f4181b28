#include "backend/cpu/kernels-inl.h"
#include "backend/cpu/simd_avx2.h"

namespace halcyon::cpu {

constinit const Kernels kAvx2Kernels = make_kernels<Avx2>(Isa::avx2);

}  // namespace halcyon::cpu
