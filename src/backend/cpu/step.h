// One step as the kernels see it: which tokens, where in their sequences, and which rows want logits.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/backend.h"

namespace halcyon::cpu {

/// Positions in a block of the KV cache, and in a chunk of the gated delta net.
inline constexpr int32_t kBlock = 32;

/// Consecutive rows of the step that continue one sequence.
struct StepSegment {
  int32_t slot = 0;       ///< of the sequence in CpuMemory
  int32_t first_row = 0;  ///< in the step
  int32_t n_rows = 0;
  int32_t first_pos = 0;  ///< position of its first row in the sequence
  const int32_t* blocks =
      nullptr;  ///< KV block of positions 32 i … 32 i + 31, for all positions up to the last row
};

struct Step {
  int32_t n_tokens = 0;
  int32_t n_outputs = 0;
  std::vector<StepSegment> segments;
  std::vector<backend::Token> tokens;  ///< [n_tokens]
  std::vector<int32_t> positions;      ///< [n_tokens]
  std::vector<int32_t> output_rows;    ///< [n_outputs]
};

/// One thread's part in an op: the threads divide the work among themselves by index.
struct Part {
  int32_t index = 0;  ///< 0 … count - 1
  int32_t count = 1;

  /// The part of n items that is this thread's: consecutive, sizes differing by at most one.
  struct Range {
    int64_t begin, end;
  };
  Range of(int64_t n) const { return {n * index / count, n * (index + 1) / count}; }
};

}  // namespace halcyon::cpu
