// The weights of a program in memory: matrices packed for the kernels, everything small as float32.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "backend/cpu/pack.h"
#include "backend/cpu/pages.h"
#include "backend/cpu/thread_team.h"
#include "base/result.h"
#include "program/program.h"

namespace halcyon::cpu {

/// A packed matrix, or a stack of them: one for each expert.
struct Matrix {
  const Packing* packing = nullptr;
  int64_t n_in = 0, n_out = 0, n_stack = 1;
  int64_t n_tiles = 0;  ///< of one matrix of the stack
  int64_t tile_bytes = 0;
  const uint8_t* tiles = nullptr;

  int64_t bytes() const { return n_tiles * tile_bytes; }  ///< of one matrix of the stack
  const uint8_t* of(int64_t index) const { return tiles + index * bytes(); }
};

class Weights {
 public:
  /// Reads and packs all weights that ops of `program` use; of embedding tables nothing is loaded, their rows
  /// are read when they are needed. `exact`: matrices are decoded to float32.
  static Result<Weights> load(const program::Program& program, bool exact, ThreadTeam& team,
                              const std::function<void(double)>& progress);

  /// For weights that are the matrix of a MatMul or MoeMatMul.
  const Matrix& matrix(program::WeightId id) const { return matrices_[static_cast<size_t>(id)]; }

  /// For all other weights: float32, in file order; nullptr for `none`.
  const float* values(program::WeightId id) const {
    return id == program::none ? nullptr : values_[static_cast<size_t>(id)].data();
  }

  uint64_t bytes() const { return pages_.size(); }

 private:
  std::vector<Matrix> matrices_;
  std::vector<std::vector<float>> values_;
  Pages pages_;
};

}  // namespace halcyon::cpu
