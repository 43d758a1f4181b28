#include "engine/generation.h"

#include "engine/job.h"

namespace halcyon::engine {

std::optional<Event> Generation::next() {
  std::unique_lock lock(job_->mutex);
  if (job_->over) return std::nullopt;
  job_->changed.wait(lock, [&] { return !job_->events.empty(); });
  Event event = std::move(job_->events.front());
  job_->events.pop_front();
  job_->over = event.finish.has_value();
  return event;
}

void Generation::cancel() { job_->cancelled.store(true, std::memory_order_relaxed); }

uint64_t Generation::seed() const { return job_->sampler.seed(); }

}  // namespace halcyon::engine
