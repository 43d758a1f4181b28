// A request inside the engine, shared with the Generation that its caller holds.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "engine/engine.h"
#include "engine/sampler.h"
#include "engine/stop_filter.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::engine {

struct Job {
  Job(Request r, Sampler s, const tokenizer::Tokenizer& t)
      : request(std::move(r)), sampler(std::move(s)), decoder(t), stop(request.stop) {}

  Request request;
  Sampler sampler;
  tokenizer::StreamDecoder decoder;
  StopFilter stop;
  Timings timings;

  std::atomic<bool> cancelled = false;
  static_assert(std::atomic<bool>::is_always_lock_free, "cancel() may run in a signal handler");

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::deque<Event> events;
  bool over = false;  ///< the last event was taken

  void emit(Event event) {
    {
      const std::lock_guard lock(mutex);
      events.push_back(std::move(event));
    }
    changed.notify_one();
  }
};

}  // namespace halcyon::engine
