#include "guard/idle_watch.h"

#include <algorithm>
#include <cmath>

namespace halcyon::guard {
namespace {

constexpr double kCpuMargin = 20, kGpuMargin = 15;  // points; below them nothing is a change
constexpr double kShare = 0.1;                      // likewise, of what is there

bool is_above(double seen, double known, double margin) {
  return seen > known + std::max(margin, kShare * known);
}

bool is_near(double a, double b, double margin) {
  return std::abs(a - b) <= std::max(margin, kShare * std::max(a, b));
}

double gpu(const Activity& activity) { return activity.gpu_percent.value_or(0); }

}  // namespace

bool IdleWatch::is_work(const Activity& seen, Clock::time_point now) {
  if (!known_) {
    known_ = seen;
    return false;
  }
  known_->cpu_percent = std::min(known_->cpu_percent, seen.cpu_percent);
  if (seen.gpu_percent) known_->gpu_percent = std::min(known_->gpu_percent.value_or(100), *seen.gpu_percent);
  if (!is_above(seen.cpu_percent, known_->cpu_percent, kCpuMargin) &&
      !is_above(gpu(seen), gpu(*known_), kGpuMargin)) {
    steady_since_.reset();
    return false;
  }
  if (!steady_since_ || !is_near(seen.cpu_percent, steady_.cpu_percent, kCpuMargin) ||
      !is_near(gpu(seen), gpu(steady_), kGpuMargin)) {
    steady_since_ = now;
    steady_ = seen;
  }
  if (now - *steady_since_ < patience_) return true;
  known_ = steady_;
  steady_since_.reset();
  return false;
}

}  // namespace halcyon::guard
