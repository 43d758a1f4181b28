#include "backend/cpu/isa.h"

#include <algorithm>
#include <cstdlib>

#include "base/quote.h"

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

Result<Isa> find_isa(std::string_view name) {
  for (const Isa isa : kBestFirst) {
    if (name_of(isa) != name) continue;
    if (!is_supported(isa)) return fail("{}: this processor does not have it", name);
    return isa;
  }
  return fail("{}: unknown, use scalar, avx2 or avx512", quote(name));
}

Result<Isa> select_isa() {
  if (const char* forced = std::getenv("HALCYON_ISA")) {
    Result<Isa> isa = find_isa(forced);
    if (!isa) return std::unexpected(std::move(isa.error()).in("HALCYON_ISA"));
    return isa;
  }
  return *std::ranges::find_if(kBestFirst, is_supported);  // scalar always is
}

}  // namespace halcyon::cpu
