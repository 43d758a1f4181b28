// The list of packed formats: kernels and packing go over it, so a new format is one struct and one entry
// here.
#pragma once

#include "backend/cpu/formats/classic.h"
#include "backend/cpu/formats/float.h"
#include "backend/cpu/formats/fp4.h"
#include "backend/cpu/formats/k_quants.h"

namespace halcyon::cpu {

template <class... T>
struct Formats {};

using FloatFormats = Formats<F32, F16, BF16>;
using QuantizedFormats = Formats<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS,
                                 MXFP4, NVFP4, RocmFp4, RocmFp4Fast, RocmFpx2, RocmFpx3, RocmFpx6, RocmFpx8>;

}  // namespace halcyon::cpu
