// The CPU as a device.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace halcyon::cpu {

struct CpuOptions {
  int32_t threads = 0;  ///< 0: one for each core that the process may use
  bool exact =
      false;  ///< matrices are decoded to float32 and activations not quantised: slow, for comparisons
};

/// Fails if the options make no sense, or HALCYON_ISA names an ISA that is not there.
Result<std::unique_ptr<backend::Device>> create(const CpuOptions& options = {});

}  // namespace halcyon::cpu
