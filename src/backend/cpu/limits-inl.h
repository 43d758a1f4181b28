// The loops of limits.h for one ISA, which a struct describes:
//   Wide             the widest vector that is loaded at once
//   Int, Float       sums in registers, and operands
//   kIntMacs, kFloatMacs   multiply-adds of one int_step() and float_step()
//   int_step(sum, x), float_step(sum, w, x) = sum * w + x, so that nothing can be moved out of the loop
//   int_x(p), float_x(p)   an operand from four bytes, or a float, in every lane
// Included by limits_ISA.cpp alone. Like kernels these use nothing of the standard library.
#pragma once

#include <cstdint>

#include "backend/cpu/limits.h"

namespace halcyon::cpu::limits {

/// The same value, of which the compiler knows nothing. By way of a copy: sums whose address is taken would
/// not stay in registers.
template <class T>
inline T opaque(T value) {
  asm volatile("" : "+m"(value));
  return value;
}

inline constexpr int64_t kLine = 64;
inline constexpr int64_t kPrefetchBytes = 4096;

/// kStreams parts of the range at once, a cache line of each in turn.
template <class T, int kStreams, bool kPrefetch>
void read(const std::byte* data, int64_t bytes) {
  using Wide = typename T::Wide;
  constexpr int kLoads = kLine / static_cast<int>(sizeof(Wide));
  const int64_t part = bytes / kStreams;
  Wide sums[kStreams] = {};
  for (int64_t at = 0; at < part; at += kLine) {
#pragma GCC unroll 4
    for (int s = 0; s < kStreams; ++s) {
      const std::byte* line = data + s * part + at;
      if constexpr (kPrefetch) __builtin_prefetch(line + kPrefetchBytes);
#pragma GCC unroll 4
      for (int i = 0; i < kLoads; ++i) sums[s] ^= reinterpret_cast<const Wide*>(line)[i];
    }
  }
#pragma GCC unroll 4
  for (int s = 0; s < kStreams; ++s) opaque(sums[s]);
}

/// Independent sums hide the latency of an instruction; with too many the registers run out.
template <class T, int kSums, bool kFromMemory>
void int_macs(int64_t rounds) {
  alignas(64) int8_t x[4 * kSums] = {};
  typename T::Int sums[kSums];
  const typename T::Int in_register = opaque(T::int_x(x));
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) sums[i] = opaque(in_register);  // equal ones would become one
  for (int64_t round = 0; round < rounds; ++round) {
    if constexpr (kFromMemory) asm volatile("" : : "r"(x) : "memory");  // x may have changed: load it again
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i)
      sums[i] = T::int_step(sums[i], kFromMemory ? T::int_x(x + 4 * i) : in_register);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) opaque(sums[i]);
}

template <class T, int kSums, bool kFromMemory>
void float_macs(int64_t rounds) {
  alignas(64) float x[kSums];
  for (float& v : x) v = 0.5f;
  typename T::Float sums[kSums];
  const typename T::Float w = opaque(T::float_x(x)), in_register = opaque(T::float_x(x));
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) sums[i] = opaque(in_register);  // equal ones would become one
  for (int64_t round = 0; round < rounds; ++round) {
    if constexpr (kFromMemory) asm volatile("" : : "r"(x) : "memory");
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i)
      sums[i] = T::float_step(sums[i], w, kFromMemory ? T::float_x(x + i) : in_register);
  }
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) opaque(sums[i]);
}

/// Those of a T without int_step() are left to its file.
template <class T>
constexpr LimitLoops make_limits() {
  LimitLoops loops = {
      .int8_name = T::kIntName,
      .float_name = T::kFloatName,
      .read = {{"1 stream", read<T, 1, false>},
               {"2 streams", read<T, 2, false>},
               {"4 streams", read<T, 4, false>},
               {"1 stream, prefetched", read<T, 1, true>},
               {"2 streams, prefetched", read<T, 2, true>},
               {"4 streams, prefetched", read<T, 4, true>}},
      .int8 = {},
      .f32 = {{"8 sums", 8 * T::kFloatMacs, float_macs<T, 8, false>},
              {"12 sums", 12 * T::kFloatMacs, float_macs<T, 12, false>},
              {"8 sums, x from L1", 8 * T::kFloatMacs, float_macs<T, 8, true>},
              {"12 sums, x from L1", 12 * T::kFloatMacs, float_macs<T, 12, true>}},
      .bf16 = {},
      .has_bf16 = nullptr,
  };
  if constexpr (requires { T::kIntMacs; }) {
    loops.int8[0] = {"8 sums", 8 * T::kIntMacs, int_macs<T, 8, false>};
    loops.int8[1] = {"12 sums", 12 * T::kIntMacs, int_macs<T, 12, false>};
    loops.int8[2] = {"8 sums, x from L1", 8 * T::kIntMacs, int_macs<T, 8, true>};
    loops.int8[3] = {"12 sums, x from L1", 12 * T::kIntMacs, int_macs<T, 12, true>};
  }
  return loops;
}

}  // namespace halcyon::cpu::limits
