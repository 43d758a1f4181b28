#include "engine/generation.h"

#include "engine/job.h"

namespace halcyon::engine {

Generation::~Generation() {
  cancel();
  job_->wakeup->ring();
}

std::optional<Event> Generation::next() { return job_->take(true); }

std::optional<Event> Generation::poll() { return job_->take(false); }

void Generation::cancel() { job_->cancelled.store(true, std::memory_order_relaxed); }

uint64_t Generation::id() const { return job_->id; }

uint64_t Generation::seed() const { return job_->sampler.seed(); }

}  // namespace halcyon::engine
