// The CPU as a device.
#pragma once

#include <memory>
#include <optional>

#include "backend/backend.h"
#include "backend/cpu/isa.h"

namespace halcyon::cpu {

struct CpuOptions {
  int32_t threads = 0;                    ///< 0: one for each core that the process may use
  std::optional<Isa> isa = std::nullopt;  ///< that this machine must have; empty: as select_isa() says
  bool exact =
      false;  ///< matrices are decoded to float32 and activations not quantised: slow, for comparisons
};

/// Fails if the options make no sense, or they or HALCYON_ISA name an ISA that is not there.
Result<std::unique_ptr<backend::Device>> create(const CpuOptions& options = {});

}  // namespace halcyon::cpu
