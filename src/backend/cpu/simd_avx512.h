// The primitives of the kernels for AVX-512 (F, BW, DQ, VL, VNNI). What each one means is said in
// simd_scalar.h. Included only by kernels_avx512.cpp, the one file that is compiled for this ISA.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "backend/cpu/row_parts.h"

namespace halcyon::cpu {

struct Avx512 {
  static constexpr int kLanes = 16, kFloatColumns = 8;
  static constexpr int kColumns = 3, kRowsTogether = 4, kPanel = 4, kGroupsAhead = 5, kMaxColumns = 96,
                       kFewColumns = 8;
  static constexpr int64_t kColumnBytes = 768 << 10;
  template <class Format>
  static constexpr int kStreamsOfOne = 2;
  static constexpr int kAheadOfOne = 10240;
  static constexpr int kActivationOffset = 0;
  static constexpr bool kUnsignedCodes = true;
  static constexpr int kFirstRow = 0, kRows = 16;
  using Lanes = Avx512;
  using Rows = RowParts<Avx512>;

  using F = __m512;
  using I = __m512i;

  static F zero() { return _mm512_setzero_ps(); }
  static F set1(float x) { return _mm512_set1_ps(x); }
  static F load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static F load_n(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static void store_n(float* p, F x, int n) { _mm512_mask_storeu_ps(p, first(n), x); }

  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F div(F a, F b) { return _mm512_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F nfma(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }
  static F min(F a, F b) { return _mm512_min_ps(a, b); }
  static F max(F a, F b) { return _mm512_max_ps(a, b); }
  static F abs(F a) { return _mm512_abs_ps(a); }

  static float reduce_add(F x) {
    const __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    const __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 c = _mm_add_ps(b, _mm_movehl_ps(b, b));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_shuffle_ps(c, c, 1)));
  }
  static float reduce_max(F x) { return _mm512_reduce_max_ps(x); }
  static F reduce_add_each(const F* x) { return reduce_each(x, add); }
  static F reduce_max_each(const F* x) { return reduce_each(x, max); }

  static F load_f16(const uint16_t* p) { return _mm512_cvtph_ps(_mm256_loadu_si256(as<__m256i>(p))); }
  static void store_f16(uint16_t* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  static F load_bf16(const uint16_t* p) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(as<__m256i>(p))), 16));
  }
  static I load_u8(const uint8_t* p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(as<__m128i>(p))); }
  static I load_i8(const int8_t* p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128(as<__m128i>(p))); }
  static void store_u8(uint8_t* p, I x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(x));
  }
  static void store_i8(int8_t* p, I x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(x));
  }
  static void store_i16(int16_t* p, I x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtsepi32_epi16(x));
  }
  static I load_i8_pairs(const int8_t* p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256(as<__m256i>(p))); }
  static I madd_i16(I a, I b, I sum) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));  // in place: GCC would copy every sum twice
    return sum;
  }

  static I load_words(const void* p) { return _mm512_loadu_si512(p); }
  static I broadcast_word(const void* p) {
    int32_t word;
    std::memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
  }
  static I set1_i(int32_t x) { return _mm512_set1_epi32(x); }
  static I lanes() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
  static I add_i(I a, I b) { return _mm512_add_epi32(a, b); }
  template <bool once>
  static F prefetch(const void* p, F after) {
    if constexpr (once)
      asm volatile("prefetchnta %1" : "+v"(after) : "m"(*static_cast<const char*>(p)));
    else
      asm volatile("prefetcht0 %1" : "+v"(after) : "m"(*static_cast<const char*>(p)));
    return after;
  }
  static I sub_i8(I a, I b) { return _mm512_sub_epi8(a, b); }
  static I and_i(I a, I b) { return _mm512_and_si512(a, b); }
  static I or_i(I a, I b) { return _mm512_or_si512(a, b); }
  template <int n>
  static I shr(I a) {
    return _mm512_srli_epi32(a, n);
  }
  static I shr_by(I a, int n) { return _mm512_srli_epi32(a, static_cast<unsigned>(n)); }
  static I shl_by(I a, int n) { return _mm512_slli_epi32(a, static_cast<unsigned>(n)); }
  template <int n>
  static I shl(I a) {
    return _mm512_slli_epi32(a, n);
  }

  static F to_float(I x) { return _mm512_cvtepi32_ps(x); }
  static I to_int(F x) { return _mm512_cvtps_epi32(x); }
  static F as_float(I x) { return _mm512_castsi512_ps(x); }
  static I as_int(F x) { return _mm512_castps_si512(x); }
  static F where_less(I a, I b, F yes, F no) {
    return _mm512_mask_blend_ps(_mm512_cmplt_epi32_mask(a, b), no, yes);
  }

  using Table = __m512i;
  static Table table16(const int8_t* t) { return _mm512_broadcast_i32x4(_mm_loadu_si128(as<__m128i>(t))); }
  static I lookup(Table table, I nibbles) { return _mm512_shuffle_epi8(table, nibbles); }

  /// n * x in every lane, n a power of two or 0.
  template <int n>
  static I times(int32_t x) {
    if constexpr (n == 0)
      return _mm512_setzero_si512();
    else
      return shl<__builtin_ctz(n)>(set1_i(x));
  }

  /// Loaded once, however often it is used: GCC would rather load it again.
  template <bool yes>
  static I in_register(I x) {
    if constexpr (yes) asm("" : "+v"(x));
    return x;
  }

  /// Codes are the unsigned operand of vpdpbusd.
  template <int max_code, int parts>
  struct Codes {
    I v[8];

    void set(int w, I codes) { v[w] = codes; }
    struct Column {  // stays in memory: loads broadcast for nothing
      const uint8_t* codes;
      void load(const uint8_t* x) { codes = x; }
    };
    template <int n, int R, int C>
    static void dot(const auto* rows, int at, const Column* columns, I* sums) {
#pragma GCC unroll 8
      for (int w = at; w < at + n; ++w) {
        I code[R];
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) code[r] = in_register<(C > 1)>(rows[r].codes.v[w]);
#pragma GCC unroll 8
        for (int c = 0; c < C; ++c) {
          const I x = in_register<(R > 1)>(broadcast_word(columns[c].codes + 4 * w));
#pragma GCC unroll 8
          for (int r = 0; r < R; ++r) sums[c * R + r] = _mm512_dpbusd_epi32(sums[c * R + r], code[r], x);
        }
      }
    }
  };

 private:
  /// Lanes i and i + 8 of every register, then i and i + 4, i + 2, i + 1: each step halves the registers.
  [[gnu::always_inline]] static F reduce_each(const F* x, F (*op)(F, F)) {
    F quarters[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      F halves[2];
#pragma GCC unroll 2
      for (int j = 0; j < 2; ++j) {
        const F a = x[8 * j + i], b = x[8 * j + 4 + i];
        halves[j] = op(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));
      }
      quarters[i] = op(_mm512_shuffle_f32x4(halves[0], halves[1], 0x88),
                       _mm512_shuffle_f32x4(halves[0], halves[1], 0xDD));
    }
    const auto pair = [&](F a, F b) {
      return op(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xEE));
    };
    const F a = pair(quarters[0], quarters[1]), b = pair(quarters[2], quarters[3]);
    return op(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
  }
  static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  template <class T>
  static const T* as(const void* p) {
    return static_cast<const T*>(p);
  }
};

}  // namespace halcyon::cpu
