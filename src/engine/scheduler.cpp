#include "engine/scheduler.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "engine/job.h"

namespace halcyon::engine {
namespace {

/// Prompt tokens of a step in which others generate: they should not wait for long.
constexpr size_t kMixedPrefill = 128;

/// A prompt waits for another one in work that begins like it, if it saves so many tokens at least.
constexpr int32_t kWorthWaiting = 32;

bool is_cancelled(const Job& job) { return job.cancelled.load(std::memory_order_relaxed); }

bool is_prompt(const Job& job) { return job.timings.predicted_n == 0; }

}  // namespace

Scheduler::Scheduler(backend::Executable& executable, const tokenizer::Tokenizer& tokenizer, int32_t n_slots,
                     std::shared_ptr<energy::Ledger> ledger)
    : executable_(executable),
      tokenizer_(tokenizer),
      sequences_(executable.memory()),
      slots_(static_cast<size_t>(n_slots)),
      metering_(std::move(ledger)) {}

bool Scheduler::step() {
  end_cancelled();
  make_way();
  admit();
  const std::vector<Share> shares = share_step();
  if (shares.empty()) {
    metering_.rest();
    return false;
  }

  metering_.start();
  Stopwatch watch;
  const Result<std::span<const float>> logits = run(shares);
  if (!logits) {
    for (const Share& share : shares) finish(*share.job, FinishReason::error, logits.error());
    return true;
  }
  account(shares, watch.restart());

  std::vector<Job*> ready;  // each has its row
  for (const Share& share : shares)
    if (share.job->pending() == 0) ready.push_back(share.job.get());
  const std::span<const float> hidden = executable_.hidden();
  for (size_t i = 0; i < ready.size(); ++i) {
    const auto row = [&](std::span<const float> rows) {
      const size_t width = rows.size() / ready.size();
      return rows.subspan(i * width, width);
    };
    Job& job = *ready[i];
    if (job.request.embedding) {
      embed(job, row(hidden));
    } else if (const Result<void> taken = take_token(job, row(*logits)); !taken) {
      finish(job, FinishReason::error, taken.error());
    }
  }
  return true;
}

void Scheduler::end_cancelled() {
  for (const auto& job : queue_.remove_if(is_cancelled)) finish(*job, FinishReason::cancelled);
  for (Jobs* jobs : {&active_, &suspended_})
    for (auto next = jobs->begin(); next != jobs->end();)
      if (Job& job = **next++; is_cancelled(job)) finish(job, FinishReason::cancelled);
}

// Takes requests back whose readers read again, and those out that wait for their readers while others wait
// for them.
void Scheduler::make_way() {
  for (auto next = suspended_.begin(); next != suspended_.end();) {
    const auto job = next++;
    if ((*job)->stalled()) continue;
    queue_.push(*job);
    suspended_.erase(job);
  }
  for (auto next = active_.begin(); next != active_.end();) {
    const auto job = next++;
    const bool enough = active_.size() + queue_.size() <= slots_.size();
    if (enough || !(*job)->stalled()) continue;
    leave(**job);
    suspended_.splice(suspended_.end(), active_, job);
  }
}

void Scheduler::admit() {
  while (std::ssize(active_) < std::ssize(slots_)) {
    std::shared_ptr<Job> job = queue_.pop([this](const Job& waiting) { return may_start(waiting); });
    if (!job) return;
    Result<PrefixCache::Sequence*> sequence = sequences_.open(job->tokens, job->request.cache_prompt);
    if (!sequence) {
      finish(*job, FinishReason::error, sequence.error());
      continue;
    }
    job->sequence = *sequence;
    const auto slot = std::ranges::find(slots_, nullptr);
    *slot = job.get();
    job->slot = static_cast<int32_t>(slot - slots_.begin());
    if (!job->watch) {  // not if it was suspended
      job->watch.emplace();
      job->timings.cache_n = static_cast<int32_t>((*sequence)->tokens.size());
    }
    active_.push_back(std::move(job));
  }
}

// Not while another prompt in work is about to make known what this one begins with.
bool Scheduler::may_start(const Job& job) const {
  if (!job.request.cache_prompt) return true;
  int32_t coming = 0;
  for (const auto& other : active_) {
    if (other->pending() == 0 || other->stalled()) continue;
    const auto common = std::ranges::mismatch(other->tokens, job.tokens).in1 - other->tokens.begin();
    coming = std::max(coming, static_cast<int32_t>(std::min(common, std::ssize(job.tokens) - 1)));
  }
  return coming < kWorthWaiting || sequences_.known_prefix(job.tokens) >= coming;
}

std::vector<Scheduler::Share> Scheduler::share_step() const {
  std::vector<Share> shares;
  std::vector<std::shared_ptr<Job>> prompts;
  for (const auto& job : active_) {
    if (job->stalled()) continue;
    if (job->pending() == 1) {
      shares.push_back({job, 1});
    } else {
      prompts.push_back(job);
    }
  }
  const auto n_batch = static_cast<size_t>(executable_.options().n_batch);
  size_t left = n_batch - std::min(n_batch, shares.size());
  if (!shares.empty()) left = std::min(left, kMixedPrefill);
  // The shortest first, so that what one does not need goes to those after it.
  std::ranges::stable_sort(prompts, {}, &Job::pending);
  for (size_t i = 0; i < prompts.size(); ++i) {
    const size_t n = std::min(prompts[i]->pending(), left / (prompts.size() - i));
    if (n == 0) continue;
    shares.push_back({prompts[i], n});
    left -= n;
  }
  return shares;
}

Result<std::span<const float>> Scheduler::run(std::span<const Share> shares) try {
  std::vector<backend::Segment> segments;
  for (const auto& [job, n] : shares) {
    using enum backend::Segment::Logits;
    const size_t done = job->sequence->tokens.size();
    job->sequence->tokens.reserve(done + n);  // nothing can fail once the step has been made
    segments.push_back({.seq = job->sequence->id,
                        .tokens = std::span(job->tokens).subspan(done, n),
                        .logits = n == job->pending() ? last : none});
  }
  while (!executable_.fits(segments) && sequences_.evict()) {
  }
  TRY(const std::span<const float> logits, executable_.run(segments));
  for (size_t i = 0; i < shares.size(); ++i) {
    Job& job = *shares[i].job;
    auto& evaluated = job.sequence->tokens;
    evaluated.insert(evaluated.end(), segments[i].tokens.begin(), segments[i].tokens.end());
    if (!is_prompt(job)) continue;
    job.timings.prompt_n += static_cast<int32_t>(shares[i].n_tokens);
    if (job.pending() > 0) continue;
    // Without it a later prompt takes longer; that is no reason to fail this one.
    if (const Result<void> kept = executable_.memory().snapshot(job.sequence->id); !kept)
      spdlog::warn("the state after the prompt is not kept: {}", kept.error().message);
  }
  return logits;
} catch (const std::bad_alloc&) {
  return fail("out of memory while generating");
}

void Scheduler::account(std::span<const Share> shares, const Stopwatch::Times& spent) {
  const auto work_of = [](const Share& share) {
    return is_prompt(*share.job) ? energy::Work{.prefill_tokens = share.n_tokens}
                                 : energy::Work{.decode_tokens = share.n_tokens};
  };
  energy::Work work;
  for (const Share& share : shares) {
    work.prefill_tokens += work_of(share).prefill_tokens;
    work.decode_tokens += work_of(share).decode_tokens;
  }
  const energy::Joules joules = metering_.charge(work);
  for (const Share& share : shares) {
    const auto& [job, n] = share;
    job->price.add(joules, work_of(share), work);
    const double part = static_cast<double>(n) / static_cast<double>(work.tokens());
    const bool prompt = is_prompt(*job);
    (prompt ? job->timings.prompt_cpu_ms : job->timings.predicted_cpu_ms) += spent.cpu_ms * part;
    (prompt ? totals_.prompt_seconds : totals_.predicted_seconds) += spent.wall_ms * part * 1e-3;
  }
  totals_.cpu_seconds += spent.cpu_ms * 1e-3;
  totals_.steps += 1;
  totals_.sequences_in_steps += shares.size();
}

Result<void> Scheduler::take_token(Job& job, std::span<const float> logits) try {
  if (is_prompt(job)) {
    job.timings.prompt_ms = job.watch->restart().wall_ms;
    if (job.request.max_tokens == 0) {
      finish(job, FinishReason::length);
      return {};
    }
  }
  TRY(const Token token, job.sampler.sample(logits, job.tokens, job.constraint ? &*job.constraint : nullptr));
  ++job.timings.predicted_n;
  if (tokenizer_.is_eog(token)) {
    finish(job, FinishReason::stop);
    return {};
  }
  std::optional<Logprobs> logprobs;
  if (job.request.n_probs >= 0) logprobs = logprobs_of(logits, token, job.request.n_probs);
  job.tokens.push_back(token);
  if (job.constraint) job.constraint->advance(token);
  job.emit({.text = job.stop.push(job.decoder.push(token)),
            .token = token,
            .logprobs = std::move(logprobs),
            .finish = {}});
  if (job.stop.found() || (job.constraint && job.constraint->finished())) {
    finish(job, FinishReason::stop);
  } else if (job.timings.predicted_n == job.request.max_tokens ||
             std::ssize(job.tokens) > executable_.options().n_ctx) {
    finish(job, FinishReason::length);
  }
  return {};
} catch (const std::bad_alloc&) {
  return fail("out of memory while generating");
}

void Scheduler::embed(Job& job, std::span<const float> hidden) {
  double squares = 0;
  for (const float x : hidden) squares += static_cast<double>(x) * x;
  const double length = squares > 0 ? std::sqrt(squares) : 1;
  Finish end;
  end.embedding.reserve(hidden.size());
  for (const float x : hidden) end.embedding.push_back(static_cast<float>(x / length));
  job.timings.prompt_ms = job.watch->restart().wall_ms;
  end_with(job, std::move(end));
}

void Scheduler::finish(Job& job, FinishReason reason, std::optional<Error> error) {
  Finish end;
  end.reason = reason;
  end.error = std::move(error);
  end_with(job, std::move(end));
}

// The job is gone from all lists afterwards, and perhaps from memory.
void Scheduler::end_with(Job& job, Finish end) {
  if (job.watch) {
    const double ms = job.watch->restart().wall_ms;
    if (job.timings.predicted_n > 0) job.timings.predicted_ms = ms;
    if (job.timings.prompt_ms == 0) job.timings.prompt_ms = ms;
  }
  end.timings = job.timings;
  if (const energy::Ledger* ledger = metering_.ledger())
    end.timings.energy = {.price = job.price, .source = ledger->source(), .measured = ledger->measured()};
  std::string text = job.stop.push(job.decoder.finish()) + job.stop.finish();
  if (job.stop.found()) end.stop_string = *job.stop.found();
  totals_.requests += 1;
  totals_.prompt_tokens += static_cast<uint64_t>(job.timings.prompt_n);
  totals_.cached_tokens += static_cast<uint64_t>(job.timings.cache_n);
  totals_.predicted_tokens += static_cast<uint64_t>(job.timings.predicted_n);
  leave(job);
  job.emit({.text = std::move(text), .token = {}, .logprobs = {}, .finish = std::move(end)});
  const auto is_it = [&](const std::shared_ptr<Job>& other) { return other.get() == &job; };
  if (active_.remove_if(is_it) == 0) suspended_.remove_if(is_it);
}

/// Gives back slot and sequence, which is kept.
void Scheduler::leave(Job& job) {
  if (!job.sequence) return;
  sequences_.keep(job.sequence);
  job.sequence = nullptr;
  slots_[static_cast<size_t>(job.slot)] = nullptr;
  job.slot = -1;
}

void Scheduler::cancel_all() {
  for (const auto& job : queue_.remove_if([](const Job&) { return true; }))
    finish(*job, FinishReason::cancelled);
  for (Jobs* jobs : {&active_, &suspended_})
    while (!jobs->empty()) finish(*jobs->front(), FinishReason::cancelled);
}

Stats Scheduler::stats() const {
  Stats stats = totals_;
  stats.waiting = static_cast<int32_t>(queue_.size() + suspended_.size());
  stats.kept_sequences = static_cast<int32_t>(sequences_.n_kept());
  for (const Job* job : slots_) {
    stats.slots.push_back({});
    if (job)
      stats.slots.back() = {.request = job->id,
                            .n_past = static_cast<int32_t>(job->sequence->tokens.size()),
                            .n_decoded = job->timings.predicted_n};
  }
  return stats;
}

}  // namespace halcyon::engine
