// How a guarded server spent its time, and what that saved.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "guard/machine.h"

namespace halcyon::guard {

/// What was not burned while it was frozen or stopped, against what it burned when it was awake and idle.
struct Saved {
  double cpu_hours = 0, wh = 0;
  bool measured = false;  ///< the Wh, by a power sensor; else estimated from the CPU time
};

class Account {
 public:
  explicit Account(Time now) : since_(now), began_(now) {}

  void change(State to, Time now);

  double seconds_in(State state, Time now) const;
  double seconds(Time now) const;  ///< all

  /// Its spin while awake and idle, in percent of one core, and watts where they are measured.
  void set_spin(double cpu_percent) { spin_ = cpu_percent; }
  void set_idle_watts(double watts) { idle_watts_ = watts; }
  void set_frozen_watts(double watts) { frozen_watts_ = watts; }
  std::optional<double> spin() const { return spin_; }

  Saved saved(double watts_per_core, Time now) const;

  void add_thaw(Clock::duration time);  ///< from the request that thawed it to the first byte of an answer
  struct Thaws {
    uint64_t count = 0;
    double last_ms = 0, total_ms = 0, longest_ms = 0;
  };
  const Thaws& thaws() const { return thaws_; }

  uint64_t requests = 0, refused = 0, from_memory = 0;

 private:
  State state_ = State::stopped;
  Time since_, began_;
  std::array<Clock::duration, 6> spent_{};
  std::optional<double> spin_, idle_watts_, frozen_watts_;
  Thaws thaws_;
};

/// "frozen 23.1 h of 24 h, saved 58.7 core-hours ≈ 235 Wh (estimated, 4 W/core)"
std::string summary(const Account& account, double watts_per_core, Time now);

}  // namespace halcyon::guard
