// A program compiled for the CPU: weights packed, values placed in one arena, a kernel call bound to every
// op.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/memory.h"
#include "backend/cpu/step.h"
#include "backend/cpu/thread_team.h"
#include "backend/cpu/weights.h"
#include "backend/cpu/work.h"

namespace halcyon::cpu {

/// One call of every thread of the team; the threads divide the work by their parts.
struct Call {
  std::function<void(const Step&, Part)> run;
  bool barrier = true;  ///< all threads must have finished the calls before
};

/// The rows of the embedding tables for the step's tokens, as they are in the file.
struct EmbeddingRows {
  const program::Weight* table = nullptr;
  size_t row_bytes = 0;
  std::vector<std::byte> rows;  ///< [n_batch, row_bytes]
};

class Executable final : public backend::Executable {
 public:
  static Result<std::unique_ptr<Executable>> create(program::Program program,
                                                    const backend::CompileOptions& options,
                                                    const Kernels& kernels, int32_t n_threads, bool exact);

  backend::SequenceMemory& memory() override { return *memory_; }
  Result<std::span<const float>> run(std::span<const backend::Segment> segments) override;
  bool fits(std::span<const backend::Segment> segments) const override { return memory_->fits(segments); }
  std::span<const float> hidden() const override;
  const backend::CompileOptions& options() const override { return options_; }
  uint64_t weight_bytes() const override { return weights_.bytes(); }
  backend::StepWork work(std::span<const backend::Stretch> stretches) const override {
    return count_work(program_, weights_, options_.kv, stretches);
  }

 private:
  Executable() = default;
  Result<void> prepare(std::span<const backend::Segment> segments);

  program::Program program_;
  backend::CompileOptions options_;
  std::unique_ptr<ThreadTeam> team_;
  Weights weights_;
  std::unique_ptr<CpuMemory> memory_;
  Pages arena_;
  std::vector<std::unique_ptr<EmbeddingRows>> embeddings_;
  std::vector<Call> calls_;
  const float *logits_ = nullptr, *hidden_ = nullptr;
  Step step_;
};

}  // namespace halcyon::cpu
