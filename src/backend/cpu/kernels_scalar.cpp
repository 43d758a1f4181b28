#include "backend/cpu/kernels-inl.h"
#include "backend/cpu/simd_scalar.h"

namespace halcyon::cpu {

constinit const Kernels kScalarKernels = make_kernels<Scalar>(Isa::scalar);

}  // namespace halcyon::cpu
