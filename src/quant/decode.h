// The scalar reference decoders, one per block format. Reach them through quant::Traits::decode.
#pragma once

#include <cstddef>

namespace halcyon::quant {

void decode_f32(const std::byte* src, float* dst, size_t n);
void decode_f16(const std::byte* src, float* dst, size_t n);
void decode_bf16(const std::byte* src, float* dst, size_t n);

void decode_q4_0(const std::byte* src, float* dst, size_t n);
void decode_q4_1(const std::byte* src, float* dst, size_t n);
void decode_q5_0(const std::byte* src, float* dst, size_t n);
void decode_q5_1(const std::byte* src, float* dst, size_t n);
void decode_q8_0(const std::byte* src, float* dst, size_t n);

void decode_q2_K(const std::byte* src, float* dst, size_t n);
void decode_q3_K(const std::byte* src, float* dst, size_t n);
void decode_q4_K(const std::byte* src, float* dst, size_t n);
void decode_q5_K(const std::byte* src, float* dst, size_t n);
void decode_q6_K(const std::byte* src, float* dst, size_t n);

void decode_iq4_nl(const std::byte* src, float* dst, size_t n);
void decode_iq4_xs(const std::byte* src, float* dst, size_t n);
void decode_mxfp4(const std::byte* src, float* dst, size_t n);
void decode_nvfp4(const std::byte* src, float* dst, size_t n);

void decode_q4_0_rocmfp4(const std::byte* src, float* dst, size_t n);
void decode_q4_0_rocmfp4_fast(const std::byte* src, float* dst, size_t n);
void decode_q2_0_rocmfpx(const std::byte* src, float* dst, size_t n);
void decode_q3_0_rocmfpx(const std::byte* src, float* dst, size_t n);
void decode_q6_0_rocmfpx(const std::byte* src, float* dst, size_t n);
void decode_q8_0_rocmfpx(const std::byte* src, float* dst, size_t n);

}  // namespace halcyon::quant
