// What the codes of table formats stand for. Kernels share these with the reference decoders.
#pragma once

#include <array>
#include <cstdint>

namespace halcyon::quant {

/// IQ4_NL and IQ4_XS.
inline constexpr std::array<int8_t, 16> kIq4Nl{-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

/// E2M1 doubled (MXFP4, NVFP4). Code 8 is +0.
inline constexpr std::array<int8_t, 16> kE2m1Doubled{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// ROCmFP4: E2M1 doubled with 10 in place of 12. Code 8 is +0.
inline constexpr std::array<int8_t, 16> kCodebook10{0, 1, 2, 3, 4, 6, 8, 10, 0, -1, -2, -3, -4, -6, -8, -10};

/// Q3_0_ROCMFPX: a magnitude of two bits and a sign. Code 4 is +0.
inline constexpr std::array<int8_t, 8> kRocmfpx3{0, 1, 2, 4, 0, -1, -2, -4};

/// Q2_0_ROCMFPX.
inline constexpr std::array<int8_t, 4> kRocmfpx2{-4, -1, 1, 4};

}  // namespace halcyon::quant
