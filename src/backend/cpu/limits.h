// Loops that do nothing but read memory, or multiply and add in registers: how fast the processor could be at
// best with the instructions of an ISA, to compare kernels with. measure_limits.h runs them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halcyon::cpu {

/// Reads `bytes` from `data` on, a multiple of kReadUnit, in loads as wide as the ISA has.
struct ReadLoop {
  const char* name;  ///< the layout: "4 streams, prefetched"
  void (*run)(const std::byte* data, int64_t bytes);
};
inline constexpr int64_t kReadUnit = 4096;

/// Does `macs` multiply-adds a round.
struct MacLoop {
  const char* name = nullptr;  ///< the layout: "12 sums, x from L1"
  int64_t macs = 0;
  void (*run)(int64_t rounds) = nullptr;  ///< nullptr: there is no such loop
};

/// What one ISA has, several layouts of each: which one is fastest depends on the processor.
struct LimitLoops {
  /// The instruction that the loops consist of.
  ///   avx512: vpdpbusd, 64 multiply-adds of bytes each. avx2: vpmaddubsw, 32 each; adding up its pairs takes
  ///   more instructions, which are left out, so that no kernel gets there. scalar: the dot product of rows
  ///   of bytes, as the compiler makes it.
  const char* int8_name;
  const char* float_name;  ///< fused multiply-adds of float32; scalar: multiply and add
  ReadLoop read[6];        ///< 1, 2 and 4 streams, with prefetch and without
  MacLoop int8[4];         ///< 8 and 12 sums, the operand in a register or from the first-level cache
  MacLoop f32[4];          ///< likewise
  MacLoop bf16;            ///< vdpbf16ps
  bool (*has_bf16)();      ///< whether this processor has it; nullptr: the ISA has no such thing
};

extern const LimitLoops kScalarLimits, kAvx2Limits, kAvx512Limits;

}  // namespace halcyon::cpu
