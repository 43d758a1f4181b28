#include "backend/cpu/kernels-inl.h"
#include "backend/cpu/simd_avx512.h"

namespace halcyon::cpu {

constinit const Kernels kAvx512Kernels = make_kernels<Avx512>(Isa::avx512);

}  // namespace halcyon::cpu
