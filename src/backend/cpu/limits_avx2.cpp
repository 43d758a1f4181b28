#include <immintrin.h>

#include "backend/cpu/limits-inl.h"

namespace halcyon::cpu {
namespace {

struct Avx2Limits {
  static constexpr const char *kIntName = "vpmaddubsw", *kFloatName = "vfmadd of 8 float32";
  using Wide [[gnu::vector_size(32), gnu::may_alias]] = uint64_t;
  using Int = __m256i;
  using Float = __m256;
  static constexpr int64_t kIntMacs = 32, kFloatMacs = 8;

  static Int int_x(const int8_t* p) { return _mm256_set1_epi32(*reinterpret_cast<const int32_t*>(p)); }
  static Int int_step(Int s, Int x) { return _mm256_maddubs_epi16(s, x); }  // nothing but the instruction
  static Float float_x(const float* p) { return _mm256_set1_ps(*p); }
  static Float float_step(Float s, Float w, Float x) { return _mm256_fmadd_ps(s, w, x); }
};

}  // namespace

constinit const LimitLoops kAvx2Limits = limits::make_limits<Avx2Limits>();

}  // namespace halcyon::cpu
