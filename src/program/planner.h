// Where the values of a step live: one arena, reused by values whose lifetimes do not overlap.
#pragma once

#include <cstdint>
#include <vector>

#include "program/program.h"

namespace halcyon::program {

struct Plan {
  std::vector<uint64_t> offset;  ///< of each value, in bytes from the start of the arena, multiples of 64
  uint64_t size = 0;             ///< of the arena, bytes
};

/// Offsets for steps of at most `max_tokens` tokens and `max_outputs` wanted logits. A value's place is free
/// again after the op that last reads it; an op's outputs never overlap its inputs.
Plan plan(const Program& program, int64_t max_tokens, int64_t max_outputs);

}  // namespace halcyon::program
