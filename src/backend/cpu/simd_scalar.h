// The primitives that every kernel is written in, in plain C++: sixteen lanes of 32 bits. The kernels are
// templates over a struct like this one (simd_avx2.h and simd_avx512.h have the others); all of them give the
// same bits, because the order of every sum is fixed here: lane by lane, and across lanes as reduce_add()
// does it.
//
// Kernels and primitives use nothing of the standard library that could be emitted out of line: the linker
// would keep one copy of it for all ISAs, and that might be the one for AVX-512.
#pragma once

#include <cstdint>
#include <cstring>

#include "backend/cpu/row_parts.h"
#include "quant/float.h"

namespace halcyon::cpu {

/// Some are kept out of line: unrolled kernels of these would take minutes to compile.
struct Scalar {
  static constexpr int kLanes = 16;
  static constexpr int kFloatColumns = 4;  ///< columns that a product of float weights computes at once
  /// Of products of int8 (matmul-inl.h): columns and registers of rows that are multiplied with each other at
  /// once, groups of 32 that are unpacked together, and columns that they meet.
  static constexpr int kColumns = 1, kRowsTogether = 1, kPanel = 1, kMaxColumns = 32;
  /// With many columns weights are asked for so many groups before they are unpacked, more than a panel has:
  /// what comes too early pushes out what the columns need.
  static constexpr int kGroupsAhead = 4;
  /// For so many columns a tile is unpacked into registers, not into memory; half as many for long formats.
  static constexpr int kFewColumns = 1;
  /// Of columns that are computed together, at most: so that they stay in the level-2 cache while tiles pass
  /// by.
  static constexpr int64_t kColumnBytes = 448 << 10;
  /// One column reads so many places of the tiles in turns. With few columns weights are asked for about so
  /// many bytes before they are needed, all streams together.
  template <class Format>
  static constexpr int kStreamsOfOne = 1;
  static constexpr int kAheadOfOne = 16384;
  static constexpr int kActivationOffset = 128;  ///< in the codes of activations
  static constexpr bool kUnsignedCodes = false;  ///< whether codes of weights have their middle added
  static constexpr int kFirstRow = 0, kRows = 16;
  using Lanes = Scalar;
  using Rows = RowParts<Scalar>;

  struct F {
    float v[16];
  };
  struct I {
    int32_t v[16];
  };

  static F zero() { return set1(0); }
  static F set1(float x) {
    return map([&](int) { return x; });
  }
  static F load(const float* p) {
    return map([&](int i) { return p[i]; });
  }
  static void store(float* p, F x) { std::memcpy(p, x.v, sizeof x.v); }
  static F load_n(const float* p, int n) {
    return map([&](int i) { return i < n ? p[i] : 0.0f; });
  }  ///< n <= 16
  static void store_n(float* p, F x, int n) { std::memcpy(p, x.v, sizeof(float) * static_cast<size_t>(n)); }

  static F add(F a, F b) {
    return map([&](int i) { return a.v[i] + b.v[i]; });
  }
  static F sub(F a, F b) {
    return map([&](int i) { return a.v[i] - b.v[i]; });
  }
  static F mul(F a, F b) {
    return map([&](int i) { return a.v[i] * b.v[i]; });
  }
  static F div(F a, F b) {
    return map([&](int i) { return a.v[i] / b.v[i]; });
  }
  [[gnu::noinline]] static F fma(F a, F b, F c) {
    return map([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
  }
  [[gnu::noinline]] static F nfma(F a, F b, F c) {
    return map([&](int i) { return __builtin_fmaf(-a.v[i], b.v[i], c.v[i]); });
  }  ///< c - a b
  static F min(F a, F b) {
    return map([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F max(F a, F b) {
    return map([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
  }
  static F abs(F a) {
    return map([&](int i) { return __builtin_fabsf(a.v[i]); });
  }

  /// Halves are added to each other: lanes i and i + 8, then i and i + 4, i and i + 2, i and i + 1.
  static float reduce_add(F x) {
    for (int n = 8; n > 0; n /= 2)
      for (int i = 0; i < n; ++i) x.v[i] += x.v[i + n];
    return x.v[0];
  }
  static float reduce_max(F x) {
    for (int i = 1; i < 16; ++i) x.v[0] = x.v[0] > x.v[i] ? x.v[0] : x.v[i];
    return x.v[0];
  }
  /// Lane i: that of x[i], of sixteen.
  static F reduce_add_each(const F* x) {
    return map([&](int i) { return reduce_add(x[i]); });
  }
  static F reduce_max_each(const F* x) {
    return map([&](int i) { return reduce_max(x[i]); });
  }

  [[gnu::noinline]] static F load_f16(const uint16_t* p) {
    return map([&](int i) { return quant::f16_to_f32(p[i]); });
  }
  [[gnu::noinline]] static void store_f16(uint16_t* p, F x) {  ///< rounds to nearest even
    for (int i = 0; i < 16; ++i) p[i] = quant::f32_to_f16(x.v[i]);
  }
  static F load_bf16(const uint16_t* p) {
    return map([&](int i) { return quant::bf16_to_f32(p[i]); });
  }
  static I load_u8(const uint8_t* p) {
    return map_i([&](int i) { return p[i]; });
  }
  static I load_i8(const int8_t* p) {
    return map_i([&](int i) { return p[i]; });
  }
  static void store_u8(uint8_t* p, I x) {  ///< 0 … 255
    for (int i = 0; i < 16; ++i) p[i] = static_cast<uint8_t>(x.v[i]);
  }
  static void store_i8(int8_t* p, I x) {  ///< saturates
    for (int i = 0; i < 16; ++i)
      p[i] = static_cast<int8_t>(x.v[i] > 127 ? 127 : x.v[i] < -128 ? -128 : x.v[i]);
  }
  static void store_i16(int16_t* p, I x) {  ///< saturates
    for (int i = 0; i < 16; ++i)
      p[i] = static_cast<int16_t>(x.v[i] > 32767 ? 32767 : x.v[i] < -32768 ? -32768 : x.v[i]);
  }

  /// Two int16 in each lane: of 32 int8, the neighbours.
  static I load_i8_pairs(const int8_t* p) {
    int16_t pairs[32];
    for (int i = 0; i < 32; ++i) pairs[i] = p[i];
    return load_words(pairs);
  }
  /// sum + the products of both int16 in each lane
  [[gnu::noinline]] static I madd_i16(I a, I b, I sum) {
    int16_t x[32], y[32];
    std::memcpy(x, a.v, sizeof x);
    std::memcpy(y, b.v, sizeof y);
    for (int i = 0; i < 32; ++i) sum.v[i / 2] += x[i] * y[i];
    return sum;
  }

  static I load_words(const void* p) {  ///< 64 bytes
    I x;
    std::memcpy(x.v, p, sizeof x.v);
    return x;
  }
  static I broadcast_word(const void* p) {  ///< the same 4 bytes in every lane
    int32_t word;
    std::memcpy(&word, p, sizeof word);
    return set1_i(word);
  }
  static I set1_i(int32_t x) {
    return map_i([&](int) { return x; });
  }
  static I lanes() {
    return map_i([](int i) { return i; });
  }  ///< 0, 1, … 15
  static I add_i(I a, I b) {
    return map_i([&](int i) { return a.v[i] + b.v[i]; });
  }
  static I sub_i(I a, I b) {
    return map_i([&](int i) { return a.v[i] - b.v[i]; });
  }
  static I sub_i8(I a, I b) {  ///< byte by byte
    int8_t x[64], y[64];
    std::memcpy(x, a.v, sizeof x);
    std::memcpy(y, b.v, sizeof y);
    for (int i = 0; i < 64; ++i) x[i] = static_cast<int8_t>(x[i] - y[i]);
    return load_words(x);
  }
  static I and_i(I a, I b) {
    return map_i([&](int i) { return a.v[i] & b.v[i]; });
  }
  static I or_i(I a, I b) {
    return map_i([&](int i) { return a.v[i] | b.v[i]; });
  }
  template <int n>
  static I shr(I a) {
    return map_i([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.v[i]) >> n); });
  }
  static I shr_by(I a, int n) {
    return map_i([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.v[i]) >> n); });
  }
  static I shl_by(I a, int n) {
    return map_i([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.v[i]) << n); });
  }
  template <int n>
  static I shl(I a) {
    return map_i([&](int i) { return static_cast<int32_t>(static_cast<uint32_t>(a.v[i]) << n); });
  }

  static F to_float(I x) {
    return map([&](int i) { return static_cast<float>(x.v[i]); });
  }
  static I to_int(F x) {
    return map_i([&](int i) { return static_cast<int32_t>(__builtin_rintf(x.v[i])); });
  }  ///< to nearest even; |x| < 2^31
  static F as_float(I x) {
    F f;
    std::memcpy(f.v, x.v, sizeof f.v);
    return f;
  }
  static I as_int(F x) {
    I i;
    std::memcpy(i.v, x.v, sizeof i.v);
    return i;
  }
  static F where_less(I a, I b, F yes, F no) {  ///< a < b ? yes : no
    return map([&](int i) { return a.v[i] < b.v[i] ? yes.v[i] : no.v[i]; });
  }

  /// lookup(): each byte of `nibbles`, 0 to 15, becomes that entry of the table.
  struct Table {
    int8_t v[16];
  };
  static Table table16(const int8_t* t) {
    Table table;
    std::memcpy(table.v, t, sizeof table.v);
    return table;
  }
  [[gnu::noinline]] static I lookup(const Table& table, I nibbles) {
    int8_t bytes[64];
    std::memcpy(bytes, nibbles.v, sizeof bytes);
    for (int8_t& b : bytes) b = table.v[b & 15];
    return load_words(bytes);
  }

  /// Asks for a cache line once `after`, which it returns, is known: a compiler that puts many of them
  /// together makes the processor wait. `once`: it will be used once, and need not stay.
  template <bool once>
  static F prefetch(const void* p, F after) {
    __builtin_prefetch(p);
    return after;
  }

  /// Eight words of codes, signed and none of them larger than max_code, that are multiplied with columns.
  /// The products of each of one or two parts are added up by themselves.
  template <int max_code, int parts>
  struct Codes {
    I v[8];

    void set(int w, I codes) { v[w] = codes; }

    /// 32 activations.
    struct Column {
      uint8_t codes[32];
      void load(const uint8_t* x) { std::memcpy(codes, x, sizeof codes); }
    };

    /// What the sums of each part, n words, have to begin with, because of the 128 in the activations.
    I start[parts];
    template <int n>
    void correct(int part) {
      I sum = set1_i(0);
      for (int w = n * part; w < n * (part + 1); ++w) {
        int8_t codes[64];
        std::memcpy(codes, v[w].v, sizeof codes);
        for (int i = 0; i < 64; ++i) sum.v[i / 4] -= 128 * codes[i];
      }
      start[part] = sum;
    }

    /// Adds to each lane of sums [C, R] the products of n words, from `at` on in both, of rows and columns.
    template <int n, int R, int C>
    [[gnu::noinline]] static void dot(const auto* rows, int at, const Column* columns, I* sums) {
      for (int c = 0; c < C; ++c)
        for (int r = 0; r < R; ++r)
          for (int w = at; w < at + n; ++w) {
            int8_t codes[64];
            std::memcpy(codes, rows[r].codes.v[w].v, sizeof codes);
            for (int i = 0; i < 64; ++i)
              sums[c * R + r].v[i / 4] += codes[i] * columns[c].codes[4 * w + i % 4];
          }
    }
  };

 private:
  static F map(auto f) {
    F out;
    for (int i = 0; i < 16; ++i) out.v[i] = f(i);
    return out;
  }
  static I map_i(auto f) {
    I out;
    for (int i = 0; i < 16; ++i) out.v[i] = f(i);
    return out;
  }
};

}  // namespace halcyon::cpu
