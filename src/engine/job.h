// A request inside the engine, shared with the Generation that its caller holds.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/constraint.h"
#include "engine/generation.h"
#include "engine/prefix_cache.h"
#include "engine/request.h"
#include "engine/stop_filter.h"
#include "engine/stopwatch.h"
#include "engine/wakeup.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::engine {

struct Job {
  /// Events that may wait for their reader before the request waits, too.
  static constexpr size_t kMaxUnread = 256;

  Job(Request r, Sampler s, const tokenizer::Tokenizer& t, std::shared_ptr<Wakeup> w)
      : request(std::move(r)), sampler(std::move(s)), wakeup(std::move(w)), decoder(t), stop(request.stop) {}

  uint64_t id = 0;
  const Request request;
  Sampler sampler;
  const std::shared_ptr<Wakeup> wakeup;  ///< of the engine

  // The engine's thread alone works on these.
  tokenizer::StreamDecoder decoder;
  StopFilter stop;
  std::optional<Constraint> constraint;
  std::vector<Token> tokens = request.prompt;  ///< the prompt and what was sampled
  PrefixCache::Sequence* sequence = nullptr;   ///< while it is in work
  int32_t slot = -1;                           ///< likewise
  Timings timings;
  energy::Price price;
  std::optional<Stopwatch> watch;  ///< runs since the prompt was first looked at, then since the first token

  /// Tokens that have to be evaluated before the next one can be sampled.
  size_t pending() const { return tokens.size() - sequence->tokens.size(); }

  std::atomic<bool> cancelled = false;
  static_assert(std::atomic<bool>::is_always_lock_free, "cancel() may run in a signal handler");

  void emit(Event event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(std::move(event));
    }
    changed_.notify_one();
    if (request.on_event) request.on_event();
  }

  /// The next event, if it is there or `wait` says to wait for it.
  std::optional<Event> take(bool wait) {
    std::unique_lock lock(mutex_);
    if (over_) return std::nullopt;
    if (wait) changed_.wait(lock, [&] { return !events_.empty(); });
    if (events_.empty()) return std::nullopt;
    const bool was_stalled = events_.size() >= kMaxUnread;
    Event event = std::move(events_.front());
    events_.pop_front();
    over_ = event.finish.has_value();
    lock.unlock();
    if (was_stalled) wakeup->ring();
    return event;
  }

  /// Too many events wait for their reader.
  bool stalled() const {
    const std::lock_guard lock(mutex_);
    return events_.size() >= kMaxUnread;
  }

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Event> events_;
  bool over_ = false;  ///< the last event was taken
};

}  // namespace halcyon::engine
