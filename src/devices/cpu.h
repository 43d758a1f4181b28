// The processors of the machine, as the kernel describes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/system_root.h"

namespace halcyon::devices {

struct Cache {
  int level = 0;
  std::string type;    ///< "Data", "Instruction", "Unified"
  uint64_t bytes = 0;  ///< of one
  int count = 0;       ///< in the machine
};

struct Cpu {
  std::string name;  ///< empty: unknown
  int sockets = 0, cores = 0, threads = 0;
  std::vector<std::string> isa;  ///< what matters for inference: "AVX2", "AVX-512", "VNNI", "AMX-INT8", …
  std::vector<Cache> caches;     ///< by level
  std::string microcode;         ///< empty: unknown
  std::string governor, driver;  ///< of cpufreq; empty: the machine sets its clock itself
};

Cpu read_cpu(const SystemRoot& root);

/// Bytes of all caches of the last level.
uint64_t last_level_cache(const Cpu& cpu);

}  // namespace halcyon::devices
