// Continuous batching: which requests are in work, and what each step of the model computes.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "engine/fair_queue.h"
#include "engine/generation.h"
#include "engine/metering.h"
#include "engine/prefix_cache.h"
#include "engine/stats.h"
#include "engine/stopwatch.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::engine {

/// At most n_slots requests are in work at once. Each step evaluates the next token of those that generate,
/// and shares what is left of it among those whose prompt is being evaluated. A request whose reader does not
/// read pauses, and leaves its slot to another that waits. Not for several threads at once.
class Scheduler {
 public:
  Scheduler(backend::Executable& executable, const tokenizer::Tokenizer& tokenizer, int32_t n_slots,
            std::shared_ptr<energy::Ledger> ledger = nullptr);

  void add(std::shared_ptr<Job> job) { queue_.push(std::move(job)); }

  /// One step. False if there is nothing to do before something is added, read or cancelled.
  bool step();

  /// Ends all requests, in work or waiting, as cancelled.
  void cancel_all();

  Stats stats() const;

 private:
  using Jobs = std::list<std::shared_ptr<Job>>;
  struct Share {
    std::shared_ptr<Job> job;
    size_t n_tokens;
  };

  void end_cancelled();
  void make_way();
  void admit();
  bool may_start(const Job& job) const;
  std::vector<Share> share_step() const;
  Result<std::span<const float>> run(std::span<const Share> shares);
  void account(std::span<const Share> shares, const Stopwatch::Times& spent);
  Result<void> take_token(Job& job, std::span<const float> logits);
  void embed(Job& job, std::span<const float> hidden);
  void finish(Job& job, FinishReason reason, std::optional<Error> error = std::nullopt);
  void end_with(Job& job, Finish end);
  void leave(Job& job);

  backend::Executable& executable_;
  const tokenizer::Tokenizer& tokenizer_;
  PrefixCache sequences_;
  FairQueue queue_;
  Jobs active_;     ///< oldest first
  Jobs suspended_;  ///< without a slot since their readers do not read
  std::vector<Job*> slots_;
  Stats totals_;
  Metering metering_;
};

}  // namespace halcyon::engine
