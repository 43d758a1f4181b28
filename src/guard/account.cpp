#include "guard/account.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace halcyon::guard {
namespace {

double in_seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

/// "45 s", "12.5 min", "23.1 h"
std::string duration(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

/// Three digits that mean something.
std::string digits(double value) {
  if (value == 0) return "0";
  const int decimals = 2 - static_cast<int>(std::floor(std::log10(value)));
  return fmt::format("{:.{}f}", value, std::clamp(decimals, 0, 6));
}

}  // namespace

void Account::change(State to, Time now) {
  spent_[static_cast<size_t>(state_)] += now - since_;
  state_ = to;
  since_ = now;
}

double Account::seconds_in(State state, Time now) const {
  return in_seconds(spent_[static_cast<size_t>(state)] +
                    (state == state_ ? now - since_ : Clock::duration{}));
}

double Account::seconds(Time now) const { return in_seconds(now - began_); }

Saved Account::saved(double watts_per_core, Time now) const {
  const double hours = (seconds_in(State::frozen, now) + seconds_in(State::stopped, now)) / 3600;
  Saved saved;
  saved.cpu_hours = hours * spin_.value_or(0) / 100;
  saved.measured = idle_watts_ && frozen_watts_;
  saved.wh = saved.measured ? hours * std::max(0.0, *idle_watts_ - *frozen_watts_)
                            : saved.cpu_hours * watts_per_core;
  return saved;
}

void Account::add_thaw(Clock::duration time) {
  const double ms = in_seconds(time) * 1e3;
  ++thaws_.count;
  thaws_.last_ms = ms;
  thaws_.total_ms += ms;
  thaws_.longest_ms = std::max(thaws_.longest_ms, ms);
}

std::string summary(const Account& account, double watts_per_core, Time now) {
  const Saved saved = account.saved(watts_per_core, now);
  std::string text = fmt::format("frozen {} of {}", duration(account.seconds_in(State::frozen, now)),
                                 duration(account.seconds(now)));
  if (const double stopped = account.seconds_in(State::stopped, now); stopped >= 1)
    text += fmt::format(", stopped {}", duration(stopped));
  if (!account.spin()) return text + "; it was never idle, so there is nothing to compare with";
  return text +
         fmt::format(", saved {} core-hours ≈ {} Wh ({})", digits(saved.cpu_hours), digits(saved.wh),
                     saved.measured ? "measured" : fmt::format("estimated, {:g} W/core", watts_per_core));
}

}  // namespace halcyon::guard
