#include "engine/fair_queue.h"

#include <algorithm>

#include "engine/job.h"

namespace halcyon::engine {

void FairQueue::push(std::shared_ptr<Job> job) {
  const std::string& client = job->request.client;
  const auto line = std::ranges::find(lines_, client, &Line::client);
  if (line == lines_.end()) {
    lines_.push_back({.client = client, .jobs = {std::move(job)}});
  } else {
    line->jobs.push_back(std::move(job));
  }
}

std::shared_ptr<Job> FairQueue::pop(const std::function<bool(const Job&)>& may_start) {
  const auto turn =
      std::ranges::find_if(lines_, [&](const Line& line) { return may_start(*line.jobs.front()); });
  if (turn == lines_.end()) return nullptr;
  std::shared_ptr<Job> job = std::move(turn->jobs.front());
  turn->jobs.pop_front();
  Line line = std::move(*turn);
  lines_.erase(turn);
  if (!line.jobs.empty()) lines_.push_back(std::move(line));
  return job;
}

std::deque<std::shared_ptr<Job>> FairQueue::remove_if(const std::function<bool(const Job&)>& gone) {
  std::deque<std::shared_ptr<Job>> removed;
  for (Line& line : lines_) {
    std::erase_if(line.jobs, [&](const std::shared_ptr<Job>& job) {
      if (!gone(*job)) return false;
      removed.push_back(job);
      return true;
    });
  }
  std::erase_if(lines_, [](const Line& line) { return line.jobs.empty(); });
  return removed;
}

size_t FairQueue::size() const {
  size_t n = 0;
  for (const Line& line : lines_) n += line.jobs.size();
  return n;
}

}  // namespace halcyon::engine
