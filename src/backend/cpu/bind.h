// Binds the ops of a program to kernel calls.
#pragma once

#include "backend/cpu/executable.h"

namespace halcyon::cpu {

struct Binding {
  Pages arena;  ///< holds every value, at its planned offset
  std::vector<std::unique_ptr<EmbeddingRows>> embeddings;
  std::vector<Call> calls;
  const float* logits = nullptr;  ///< [outputs, n_vocab]
  const float* hidden = nullptr;  ///< [outputs, n_embd]; nullptr if the program does not say
};

/// `weights` and `memory` must stay where they are as long as the calls are used.
Result<Binding> bind(const program::Program& program, const backend::CompileOptions& options,
                     const Kernels& kernels, const Weights& weights, const CpuMemory& memory,
                     int32_t n_threads);

}  // namespace halcyon::cpu
