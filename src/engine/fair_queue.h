// Requests that wait for their turn, fair between clients.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace halcyon::engine {

struct Job;

/// Each client has a line of its own, first come first served; the lines take turns. Not for several threads
/// at once.
class FairQueue {
 public:
  void push(std::shared_ptr<Job> job);

  /// The next job that may start, if any: of each client only the first is looked at, so that nobody's
  /// requests overtake each other. It leaves the queue, and its client goes to the end of the round.
  std::shared_ptr<Job> pop(const std::function<bool(const Job&)>& may_start);

  /// Takes out the jobs for which `gone` says so.
  std::deque<std::shared_ptr<Job>> remove_if(const std::function<bool(const Job&)>& gone);

  bool empty() const { return lines_.empty(); }
  size_t size() const;

 private:
  struct Line {
    std::string client;
    std::deque<std::shared_ptr<Job>> jobs;  ///< never empty
  };
  std::deque<Line> lines_;  ///< in the order of their turns
};

}  // namespace halcyon::engine
