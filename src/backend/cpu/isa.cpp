#include "backend/cpu/isa.h"

#include <cstdlib>

namespace halcyon::cpu {
namespace {

constexpr Isa kBestFirst[] = {Isa::avx512, Isa::avx2, Isa::scalar};

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    case Isa::scalar:
      break;
  }
  return "scalar";
}

bool is_supported(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512)
    return is_supported(Isa::avx2) && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  if (isa == Isa::avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#endif
  return isa == Isa::scalar;
}

Result<Isa> select_isa() {
  const char* forced = std::getenv("HALCYON_ISA");
  for (const Isa isa : kBestFirst) {
    if (!forced && is_supported(isa)) return isa;
    if (forced && name_of(isa) == forced) {
      if (!is_supported(isa)) return fail("HALCYON_ISA={}: this processor does not have it", forced);
      return isa;
    }
  }
  return fail("HALCYON_ISA={}: unknown, use scalar, avx2 or avx512", forced ? forced : "");
}

}  // namespace halcyon::cpu
