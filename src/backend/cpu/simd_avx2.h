// The primitives of the kernels for AVX2 with FMA and F16C: sixteen lanes as two registers of eight. What
// each one means is said in simd_scalar.h. Included only by kernels_avx2.cpp, the one file that is compiled
// for this ISA.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "backend/cpu/row_parts.h"
#include "quant/type.h"

namespace halcyon::cpu {

/// Eight lanes.
struct Avx2Lanes {
  static constexpr int kLanes = 8, kColumns = 1, kRowsTogether = 1, kPanel = 1, kGroupsAhead = 4,
                       kMaxColumns = 32, kFewColumns = 1;
  static constexpr int64_t kColumnBytes = 448 << 10;
  template <class Format>  // the others are bound by instructions, or lose (docs/PERFORMANCE.md)
  static constexpr int kStreamsOfOne = Format::kType == quant::Type::q8_0 ? 2 : 1;
  static constexpr int kAheadOfOne = 16384;
  static constexpr int kActivationOffset = 128;
  static constexpr bool kUnsignedCodes = false;

  using F = __m256;
  using I = __m256i;

  static F zero() { return _mm256_setzero_ps(); }
  static F set1(float x) { return _mm256_set1_ps(x); }
  static F load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static F load_f16(const uint16_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128(as<__m128i>(p))); }
  static I load_i8_pairs(const int8_t* p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128(as<__m128i>(p))); }
  static I madd_i16(I a, I b, I sum) {
    const I products = _mm256_madd_epi16(a, b);
    asm("vpaddd %1, %0, %0" : "+x"(sum) : "x"(products));  // in place: GCC would copy every sum
    return sum;
  }
  static F load_n(const float* p, int n) { return _mm256_maskload_ps(p, up_to(n)); }
  static void store_n(float* p, F x, int n) { _mm256_maskstore_ps(p, up_to(n), x); }
  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F nfma(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }
  static I broadcast_word(const void* p) {
    int32_t word;
    std::memcpy(&word, p, sizeof word);
    return set1_i(word);
  }
  static I set1_i(int32_t x) { return _mm256_set1_epi32(x); }
  static I add_i(I a, I b) { return _mm256_add_epi32(a, b); }
  template <bool once>
  static F prefetch(const void* p, F after) {
    asm volatile("prefetcht0 %1" : "+x"(after) : "m"(*static_cast<const char*>(p)));
    return after;
  }
  static I sub_i8(I a, I b) { return _mm256_sub_epi8(a, b); }
  static I and_i(I a, I b) { return _mm256_and_si256(a, b); }
  static I or_i(I a, I b) { return _mm256_or_si256(a, b); }
  template <int n>
  static I shr(I a) {
    return _mm256_srli_epi32(a, n);
  }
  static I shr_by(I a, int n) { return _mm256_srli_epi32(a, n); }
  static I shl_by(I a, int n) { return _mm256_slli_epi32(a, n); }
  template <int n>
  static I shl(I a) {
    return _mm256_slli_epi32(a, n);
  }
  static F to_float(I x) { return _mm256_cvtepi32_ps(x); }
  static F as_float(I x) { return _mm256_castsi256_ps(x); }
  static F where_less(I a, I b, F yes, F no) {
    return _mm256_blendv_ps(no, yes, as_float(_mm256_cmpgt_epi32(b, a)));
  }

  using Table = __m256i;
  static Table table16(const int8_t* t) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(as<__m128i>(t)));
  }
  static I lookup(Table table, I nibbles) { return _mm256_shuffle_epi8(table, nibbles); }

  /// Sums of products of pairs are 16 bits wide here, and as many of them are added as can't overflow.
  template <int max_code, int parts>
  struct Codes {
    static constexpr int kChain = 32767 / (2 * 255 * max_code);
    I v[8];

    void set(int w, I codes) { v[w] = codes; }
    struct Column {  // stays in registers
      I v[8];
      void load(const uint8_t* x) {
#pragma GCC unroll 8
        for (int w = 0; w < 8; ++w) v[w] = broadcast_word(x + 4 * w);
      }
    };
    I start[parts];
    template <int words>
    void correct(int part) {
      static_assert(words * max_code <= 128);  // the sums of bytes are bytes
      I sum = v[words * part];
#pragma GCC unroll 8
      for (int w = 1; w < words; ++w) sum = _mm256_add_epi8(sum, v[words * part + w]);
      start[part] =
          _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(-128), sum), _mm256_set1_epi16(-1));
    }
    template <int words, int R, int C>
    static void dot(const auto* rows, int at, const Column* columns, I* sums) {
      static_assert(R == 1 && C == 1);
      const I *v = rows->codes.v, *x = columns->v;
#pragma GCC unroll 8
      for (int w = at; w < at + words; w += kChain) {
        I pairs = _mm256_maddubs_epi16(x[w], v[w]);
        for (int i = w + 1; i < w + kChain && i < at + words; ++i)
          pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(x[i], v[i]));
        *sums = add_i(*sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
      }
    }
  };

  /// Codes of which the sum of one pair could overflow: |code| * (x with the sign of the code), which is at
  /// most 2 * 128 * 127, and needs no correction.
  template <int max_code, int parts>
  requires(2 * 255 * max_code > 32767) struct Codes<max_code, parts> {
    I v[8], magnitude[8];

    void set(int w, I codes) { v[w] = codes, magnitude[w] = _mm256_abs_epi8(codes); }
    struct Column {
      I v[8];
      void load(const uint8_t* x) {
#pragma GCC unroll 8
        for (int w = 0; w < 8; ++w)
          v[w] = _mm256_xor_si256(broadcast_word(x + 4 * w), _mm256_set1_epi8(-128));
      }
    };
    I start[parts];
    template <int words>
    void correct(int part) {
      start[part] = _mm256_setzero_si256();
    }
    template <int words, int R, int C>
    static void dot(const auto* rows, int at, const Column* columns, I* sums) {
      static_assert(R == 1 && C == 1);
      const Codes& codes = rows->codes;
#pragma GCC unroll 8
      for (int w = at; w < at + words; ++w) {
        const I pairs = _mm256_maddubs_epi16(codes.magnitude[w], _mm256_sign_epi8(columns->v[w], codes.v[w]));
        *sums = add_i(*sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
      }
    }
  };

 protected:
  static I up_to(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  template <class T>
  static const T* as(const void* p) {
    return static_cast<const T*>(p);
  }
};

/// Eight of the sixteen rows: those from `first` on.
template <int first>
struct Avx2Rows : Avx2Lanes {
  static constexpr int kFirstRow = first, kRows = 8;
  using Lanes = Avx2Lanes;

  static F load_f16(const uint16_t* p) { return Avx2Lanes::load_f16(p + first); }
  static F load_bf16(const uint16_t* p) {
    return as_float(shl<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(as<__m128i>(p + first)))));
  }
  static I load_u8(const uint8_t* p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64(as<__m128i>(p + first))); }
  static I load_i8(const int8_t* p) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64(as<__m128i>(p + first))); }
  static I load_words(const void* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(static_cast<const int32_t*>(p) + first));
  }
};

struct Avx2 {
  static constexpr int kFloatColumns = 4;
  static constexpr int kFirstRow = 0, kRows = 16;
  using Lanes = Avx2Lanes;
  using Lo = Avx2Rows<0>;
  using Hi = Avx2Rows<8>;
  using Rows = RowParts<Lo, Hi>;

  struct F {
    __m256 lo, hi;
  };
  struct I {
    __m256i lo, hi;
  };

  static F zero() { return {Lo::zero(), Lo::zero()}; }
  static F set1(float x) { return {Lo::set1(x), Lo::set1(x)}; }
  static F load(const float* p) { return {Lo::load(p), Lo::load(p + 8)}; }
  static void store(float* p, F x) { Lo::store(p, x.lo), Lo::store(p + 8, x.hi); }
  static F load_n(const float* p, int n) {
    return {Lo::load_n(p, n), n > 8 ? Lo::load_n(p + 8, n - 8) : Lo::zero()};
  }
  static void store_n(float* p, F x, int n) {
    Lo::store_n(p, x.lo, n);
    if (n > 8) Lo::store_n(p + 8, x.hi, n - 8);
  }

  static F add(F a, F b) { return {Lo::add(a.lo, b.lo), Lo::add(a.hi, b.hi)}; }
  static F sub(F a, F b) { return {Lo::sub(a.lo, b.lo), Lo::sub(a.hi, b.hi)}; }
  static F mul(F a, F b) { return {Lo::mul(a.lo, b.lo), Lo::mul(a.hi, b.hi)}; }
  static F div(F a, F b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
  static F fma(F a, F b, F c) { return {Lo::fma(a.lo, b.lo, c.lo), Lo::fma(a.hi, b.hi, c.hi)}; }
  static F nfma(F a, F b, F c) { return {Lo::nfma(a.lo, b.lo, c.lo), Lo::nfma(a.hi, b.hi, c.hi)}; }
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
  static F reduce_add_each(const F* x) { return {reduce_eight(x, Lo::add), reduce_eight(x + 8, Lo::add)}; }
  static F reduce_max_each(const F* x) {
    const auto max = [](__m256 a, __m256 b) { return _mm256_max_ps(a, b); };
    return {reduce_eight(x, max), reduce_eight(x + 8, max)};
  }

  static F load_f16(const uint16_t* p) { return {Lo::load_f16(p), Hi::load_f16(p)}; }
  static void store_f16(uint16_t* p, F x) {
    auto* out = reinterpret_cast<__m128i*>(p);
    _mm_storeu_si128(out, _mm256_cvtps_ph(x.lo, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(out + 1, _mm256_cvtps_ph(x.hi, _MM_FROUND_TO_NEAREST_INT));
  }
  static F load_bf16(const uint16_t* p) { return {Lo::load_bf16(p), Hi::load_bf16(p)}; }
  static I load_i8(const int8_t* p) { return {Lo::load_i8(p), Hi::load_i8(p)}; }
  static void store_u8(uint8_t* p, I x) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.lo, x.hi), 0xD8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  static void store_i8(int8_t* p, I x) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(x.lo, x.hi), 0xD8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                     _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  static void store_i16(int16_t* p, I x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                        _mm256_permute4x64_epi64(_mm256_packs_epi32(x.lo, x.hi), 0xD8));
  }

  static I set1_i(int32_t x) { return {Lo::set1_i(x), Lo::set1_i(x)}; }
  static I lanes() {
    return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15)};
  }
  static I add_i(I a, I b) { return {Lo::add_i(a.lo, b.lo), Lo::add_i(a.hi, b.hi)}; }
  template <int n>
  static I shl(I a) {
    return {Lo::shl<n>(a.lo), Lo::shl<n>(a.hi)};
  }

  static F to_float(I x) { return {Lo::to_float(x.lo), Lo::to_float(x.hi)}; }
  static I to_int(F x) { return {_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi)}; }
  static F as_float(I x) { return {Lo::as_float(x.lo), Lo::as_float(x.hi)}; }
  static I as_int(F x) { return {_mm256_castps_si256(x.lo), _mm256_castps_si256(x.hi)}; }
  static F where_less(I a, I b, F yes, F no) {
    return {Lo::where_less(a.lo, b.lo, yes.lo, no.lo), Lo::where_less(a.hi, b.hi, yes.hi, no.hi)};
  }

 private:
  /// Lanes i and i + 8 of eight registers, then i and i + 4, i + 2, i + 1: each step halves them.
  [[gnu::always_inline]] static __m256 reduce_eight(const F* x, __m256 (*op)(__m256, __m256)) {
    __m256 quarters[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const __m256 a = op(x[i].lo, x[i].hi), b = op(x[4 + i].lo, x[4 + i].hi);
      quarters[i] = op(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    }
    const auto pair = [&](__m256 a, __m256 b) {
      return op(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xEE));
    };
    const __m256 a = pair(quarters[0], quarters[1]), b = pair(quarters[2], quarters[3]);
    return op(_mm256_shuffle_ps(a, b, 0x88), _mm256_shuffle_ps(a, b, 0xDD));
  }
};

}  // namespace halcyon::cpu
