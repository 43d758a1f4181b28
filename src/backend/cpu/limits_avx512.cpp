#include <immintrin.h>

#include "backend/cpu/limits-inl.h"

namespace halcyon::cpu {
namespace {

struct Avx512Limits {
  static constexpr const char *kIntName = "vpdpbusd", *kFloatName = "vfmadd of 16 float32";
  using Wide [[gnu::vector_size(64), gnu::may_alias]] = uint64_t;
  using Int = __m512i;
  using Float = __m512;
  static constexpr int64_t kIntMacs = 64, kFloatMacs = 16;

  static Int int_x(const int8_t* p) { return _mm512_set1_epi32(*reinterpret_cast<const int32_t*>(p)); }
  static Int int_step(Int s, Int x) { return _mm512_dpbusd_epi32(s, _mm512_set1_epi8(1), x); }
  static Float float_x(const float* p) { return _mm512_set1_ps(*p); }
  static Float float_step(Float s, Float w, Float x) { return _mm512_fmadd_ps(s, w, x); }
};

constexpr int kBf16Sums = 12;
constexpr int64_t kBf16Macs = 32;

/// For processors that have AVX512_BF16, which no kernel asks for.
[[gnu::target("avx512bf16")]] void bf16_macs(int64_t rounds) {
  __m512 sums[kBf16Sums];
  const __m512bh x = limits::opaque(_mm512_cvtne2ps_pbh(_mm512_setzero_ps(), _mm512_setzero_ps()));
#pragma GCC unroll 16
  for (int i = 0; i < kBf16Sums; ++i) sums[i] = limits::opaque(_mm512_setzero_ps());
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kBf16Sums; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], x, x);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kBf16Sums; ++i) limits::opaque(sums[i]);
}

bool has_bf16() { return __builtin_cpu_supports("avx512bf16") != 0; }

constexpr LimitLoops make_limits() {
  LimitLoops loops = limits::make_limits<Avx512Limits>();
  loops.bf16 = {"12 sums", kBf16Sums * kBf16Macs, bf16_macs};
  loops.has_bf16 = has_bf16;
  return loops;
}

}  // namespace

constinit const LimitLoops kAvx512Limits = make_limits();

}  // namespace halcyon::cpu
