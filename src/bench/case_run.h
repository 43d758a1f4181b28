// Runs one case: the same tokens each time, so that each time the logits are the same.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "bench/cases.h"

namespace halcyon::bench {

/// The sequences of one case in the memory of an executable, which must outlive it. They are released with
/// it.
class CaseRun {
 public:
  /// `n_vocab`: tokens are below it.
  static Result<CaseRun> create(backend::Executable& executable, const Case& c, int32_t n_vocab);
  CaseRun(CaseRun&&) noexcept = default;
  CaseRun& operator=(CaseRun&&) = delete;
  ~CaseRun();

  /// What one repetition reads and multiplies.
  backend::StepWork work() const;

  /// Evaluates the tokens before those of the case. False: it was stopped.
  Result<bool> fill(const std::stop_token& stop);

  /// Evaluates the tokens of the case; only the first step of them if `one_step`. `after_step` is told the
  /// tokens of each step. False: it was stopped.
  Result<bool> run(const std::stop_token& stop, const std::function<void(int32_t)>& after_step = {},
                   bool one_step = false);

  /// Forgets what run() evaluated. Fails if the memory can't go back there.
  Result<void> rewind();

  /// Of the last row of logits of the first sequence, after a whole run().
  uint64_t logits_hash() const { return logits_hash_; }

 private:
  CaseRun(backend::Executable& executable, const Case& c) : executable_(&executable), case_(c) {}

  /// Tokens of each sequence that a step has: what n_batch leaves for it, or one.
  int32_t chunk(Case::Kind kind) const;
  Result<bool> evaluate(int32_t from, int32_t to, Case::Kind kind, bool wants_logits,
                        const std::stop_token& stop, const std::function<void(int32_t)>& after_step);

  backend::Executable* executable_;
  Case case_;
  std::vector<backend::SeqId> sequences_;
  std::vector<std::vector<backend::Token>> tokens_;  // [sequences][positions]
  uint64_t logits_hash_ = 0;
};

/// FNV-1a (64 bits) over the bytes of floats, the lowest first.
uint64_t hash_of(std::span<const float> row);

}  // namespace halcyon::bench
