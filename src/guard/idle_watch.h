// Tells an idle server's spin from work that it does on its own.
#pragma once

#include <chrono>
#include <optional>

namespace halcyon::guard {

/// What a server used over some time without a request.
struct Activity {
  double cpu_percent = 0;             ///< of one core
  std::optional<double> gpu_percent;  ///< busy
};

/// What it uses in the first idle seconds is taken for what it always uses when idle: its spin. More than
/// that is work that must not be cut off, unless it goes on for `patience` at a steady rate: then the spin
/// began later, such as with the first use of the GPU (TheRock 7051).
class IdleWatch {
 public:
  using Clock = std::chrono::steady_clock;

  explicit IdleWatch(Clock::duration patience = std::chrono::seconds(30)) : patience_(patience) {}

  void forget() { *this = IdleWatch(patience_); }  ///< another process

  /// After `seconds` of it. True if it is work.
  bool is_work(const Activity& seen, Clock::time_point now);

  void new_idle_time() { steady_since_.reset(); }  ///< a request came in between

  /// The spin in percent of one core; empty until it was seen.
  std::optional<double> spin() const { return known_ ? std::optional(known_->cpu_percent) : std::nullopt; }

 private:
  Clock::duration patience_;
  std::optional<Activity> known_;
  std::optional<Clock::time_point> steady_since_;  ///< of what is more than known
  Activity steady_;
};

}  // namespace halcyon::guard
