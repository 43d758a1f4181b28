// The machine's memory, and how the kernel deals with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/system_root.h"

namespace halcyon::devices {

struct Memory {
  uint64_t total = 0, available = 0;  ///< bytes; 0: not known
  uint64_t swap_total = 0, swap_free = 0;
  std::optional<uint64_t>
      limit;               ///< bytes that this process's control groups may use, if that is less than `total`
  std::string huge_pages;  ///< transparent ones: "always", "madvise", "never"; empty: unknown
};

Memory read_memory(const SystemRoot& root);

}  // namespace halcyon::devices
