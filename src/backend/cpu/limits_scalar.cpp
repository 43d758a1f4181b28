#include "backend/cpu/limits-inl.h"

namespace halcyon::cpu {
namespace {

struct ScalarLimits {
  static constexpr const char *kIntName = "plain C++", *kFloatName = "plain C++";
  // Sixteen bytes: what every x86-64 and AArch64 processor loads at once.
  using Wide [[gnu::vector_size(16), gnu::may_alias]] = uint64_t;
  using Float [[gnu::vector_size(16)]] = float;
  static constexpr int64_t kFloatMacs = 4;

  static Float float_x(const float* p) { return Float{*p, *p, *p, *p}; }
  static Float float_step(Float s, Float w, Float x) { return s * w + x; }
};

constexpr int kBytes = 2048;

/// The dot product of two rows of bytes, which leaves the compiler the most freedom.
void dot(int64_t rounds) {
  int8_t w[kBytes] = {}, x[kBytes] = {};
  int32_t sum = 0;
  for (int64_t round = 0; round < rounds; ++round) {
    asm volatile("" : : "r"(w), "r"(x) : "memory");
    for (int i = 0; i < kBytes; ++i) sum += w[i] * x[i];
  }
  limits::opaque(sum);
}

constexpr LimitLoops make_limits() {
  LimitLoops loops = limits::make_limits<ScalarLimits>();
  loops.int8[0] = {"rows from L1", kBytes, dot};
  return loops;
}

}  // namespace

constinit const LimitLoops kScalarLimits = make_limits();

}  // namespace halcyon::cpu
