// Which instructions the kernels may use.
#pragma once

#include <string_view>

#include "base/result.h"

namespace halcyon::cpu {

enum class Isa { scalar, avx2, avx512 };

std::string_view name_of(Isa isa);

/// Whether this machine (processor and operating system) can run the kernels of an ISA: avx2 with FMA and
/// F16C; avx512 with F, BW, DQ, VL and VNNI.
bool is_supported(Isa isa);

/// The ISA of that name. Fails if it is unknown or can't run here.
Result<Isa> find_isa(std::string_view name);

/// The best ISA of this machine, or the one that HALCYON_ISA names. Fails if that is unknown or can't run
/// here.
Result<Isa> select_isa();

}  // namespace halcyon::cpu
