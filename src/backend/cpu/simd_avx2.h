// The primitives of the kernels for AVX2 with FMA and F16C: sixteen lanes as two registers of eight. What
// each one means is said in simd_scalar.h. Included only by kernels_avx2.cpp, the one file that is compiled
// for this ISA.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace halcyon::cpu {

struct Avx2 {
  static constexpr int kColumns = 2;
  static constexpr int kWideOffset =
      0;  // dot_wide() takes the 128 off again, so that no 16-bit sum can saturate

  struct F {
    __m256 lo, hi;
  };
  struct I {
    __m256i lo, hi;
  };

  static F zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static F set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static F load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x.lo), _mm256_storeu_ps(p + 8, x.hi); }
  static F load_n(const float* p, int n) {
    return {_mm256_maskload_ps(p, first(n)),
            n > 8 ? _mm256_maskload_ps(p + 8, first(n - 8)) : _mm256_setzero_ps()};
  }
  static void store_n(float* p, F x, int n) {
    _mm256_maskstore_ps(p, first(n), x.lo);
    if (n > 8) _mm256_maskstore_ps(p + 8, first(n - 8), x.hi);
  }

  static F add(F a, F b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
  static F sub(F a, F b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
  static F mul(F a, F b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
  static F div(F a, F b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
  static F fma(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
  }
  static F nfma(F a, F b, F c) {
    return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
  }
  static F min(F a, F b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
  static F max(F a, F b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
  static F abs(F a) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_andnot_ps(sign, a.lo), _mm256_andnot_ps(sign, a.hi)};
  }

  static float reduce_add(F x) {
    const __m256 a = _mm256_add_ps(x.lo, x.hi);
    const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_shuffle_ps(c, c, 1)));
  }
  static float reduce_max(F x) {
    const __m256 a = _mm256_max_ps(x.lo, x.hi);
    const __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_max_ss(c, _mm_shuffle_ps(c, c, 1)));
  }

  static F load_f16(const uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(as<__m128i>(p))),
            _mm256_cvtph_ps(_mm_loadu_si128(as<__m128i>(p + 8)))};
  }
  static void store_f16(uint16_t* p, F x) {
    auto* out = reinterpret_cast<__m128i*>(p);
    _mm_storeu_si128(out, _mm256_cvtps_ph(x.lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(out + 1, _mm256_cvtps_ph(x.hi, _MM_FROUND_TO_NEAREST_INT));
  }
  static F load_bf16(const uint16_t* p) {
    const __m256i lo = _mm256_cvtepu16_epi32(_mm_loadu_si128(as<__m128i>(p)));
    const __m256i hi = _mm256_cvtepu16_epi32(_mm_loadu_si128(as<__m128i>(p + 8)));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(lo, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(hi, 16))};
  }
  static I load_u8(const uint8_t* p) {
    return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(as<__m128i>(p))),
            _mm256_cvtepu8_epi32(_mm_loadl_epi64(as<__m128i>(p + 8)))};
  }
  static I load_i8(const int8_t* p) {
    return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(as<__m128i>(p))),
            _mm256_cvtepi8_epi32(_mm_loadl_epi64(as<__m128i>(p + 8)))};
  }
  static void store_i8(int8_t* p, I x) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.lo, x.hi), 0xD8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }

  static I load_words(const void* p) {
    const auto* words = as<__m256i>(p);
    return {_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1)};
  }
  static I broadcast_word(const void* p) { return set1_i(*static_cast<const int32_t*>(p)); }
  static I set1_i(int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
  static I lanes() {
    return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)};
  }
  static I add_i(I a, I b) { return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)}; }
  static I and_i(I a, I b) { return {_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)}; }
  static I or_i(I a, I b) { return {_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)}; }
  template <int n>
  static I shr(I a) {
    return {_mm256_srli_epi32(a.lo, n), _mm256_srli_epi32(a.hi, n)};
  }
  static I shr_by(I a, int n) {
    const __m128i count = _mm_cvtsi32_si128(n);
    return {_mm256_srl_epi32(a.lo, count), _mm256_srl_epi32(a.hi, count)};
  }
  template <int n>
  static I shl(I a) {
    return {_mm256_slli_epi32(a.lo, n), _mm256_slli_epi32(a.hi, n)};
  }

  static F to_float(I x) { return {_mm256_cvtepi32_ps(x.lo), _mm256_cvtepi32_ps(x.hi)}; }
  static I to_int(F x) { return {_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi)}; }
  static F as_float(I x) { return {_mm256_castsi256_ps(x.lo), _mm256_castsi256_ps(x.hi)}; }
  static I as_int(F x) { return {_mm256_castps_si256(x.lo), _mm256_castps_si256(x.hi)}; }
  static F where_less(I a, I b, F yes, F no) {
    return {_mm256_blendv_ps(no.lo, yes.lo, _mm256_castsi256_ps(_mm256_cmpgt_epi32(b.lo, a.lo))),
            _mm256_blendv_ps(no.hi, yes.hi, _mm256_castsi256_ps(_mm256_cmpgt_epi32(b.hi, a.hi)))};
  }

  using Table = __m256i;
  static Table table16(const int8_t* t) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(as<__m128i>(t)));
  }
  static I lookup(Table table, I nibbles) {
    return {_mm256_shuffle_epi8(table, nibbles.lo), _mm256_shuffle_epi8(table, nibbles.hi)};
  }

  static I dot(I acc, I codes, I x) {
    return {_mm256_add_epi32(acc.lo, pairs(codes.lo, x.lo)), _mm256_add_epi32(acc.hi, pairs(codes.hi, x.hi))};
  }
  static I dot_wide(I acc, I codes, I x) {
    const __m256i flip = _mm256_set1_epi8(-128);
    const __m256i lo = _mm256_xor_si256(codes.lo, flip), hi = _mm256_xor_si256(codes.hi, flip);
    return {_mm256_add_epi32(acc.lo, pairs(_mm256_abs_epi8(lo), _mm256_sign_epi8(x.lo, lo))),
            _mm256_add_epi32(acc.hi, pairs(_mm256_abs_epi8(hi), _mm256_sign_epi8(x.hi, hi)))};
  }

 private:
  static __m256i first(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static __m256i pairs(__m256i u8, __m256i i8) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(u8, i8), _mm256_set1_epi16(1));
  }
  template <class T>
  static const T* as(const void* p) {
    return static_cast<const T*>(p);
  }
};

}  // namespace halcyon::cpu
