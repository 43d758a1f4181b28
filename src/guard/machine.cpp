#include "guard/machine.h"

#include <algorithm>
#include <utility>

namespace halcyon::guard {
namespace {

Time later(Time from, Clock::duration time) { return time == kNever ? Time::max() : from + time; }

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::starting:
      return "starting";
    case State::busy:
      return "busy";
    case State::idle:
      return "idle";
    case State::frozen:
      return "frozen";
    case State::stopped:
      return "stopped";
    case State::failed:
      return "failed";
  }
  return "";
}

Machine::Machine(Policy policy, Hands& hands, bool needs_turn)
    : policy_(policy), hands_(hands), needs_turn_(needs_turn), backoff_(policy.backoff), turn_(!needs_turn) {}

State Machine::state() const {
  switch (phase_) {
    case Phase::starting:
      return State::starting;
    case Phase::awake:
      return in_flight_.empty() ? State::idle : State::busy;
    case Phase::frozen:
      return State::frozen;
    case Phase::failed:
      return State::failed;
    case Phase::stopped:
      return waiting_.empty() ? State::stopped : State::starting;
    case Phase::stopping:
      return waiting_.empty() ? State::idle : State::starting;
  }
  return State::stopped;
}

bool Machine::has_process() const { return phase_ != Phase::stopped && phase_ != Phase::failed; }

void Machine::begin(Time now) {
  state_since_ = now;
  if (turn_) start(now);
  settle(now);
}

std::optional<Refusal> Machine::why_not(Time now) const {
  if (shutting_down_) return Refusal{503, "the guard is shutting down", {}};
  if (phase_ == Phase::failed && now < not_before_)
    return Refusal{502, failure_, std::chrono::ceil<std::chrono::seconds>(not_before_ - now)};
  return std::nullopt;
}

void Machine::on_request(RequestId request, Time now) {
  if (const auto refusal = why_not(now)) {
    hands_.refuse(request, *refusal);
  } else if (phase_ == Phase::awake && !yield_) {
    in_flight_.insert(request);
    hands_.pass(request);
  } else if (waiting_.size() >= policy_.max_queue) {
    hands_.refuse(request, {503,
                            fmt::format("{} requests wait for the server already; --max-queue allows more",
                                        waiting_.size()),
                            std::chrono::seconds(phase_ == Phase::frozen ? 1 : 10)});
  } else {
    waiting_.insert(request);
    wake(now);
  }
  settle(now);
}

void Machine::on_left(RequestId request, Time now) {
  if (in_flight_.erase(request) > 0) {
    if (in_flight_.empty() && phase_ == Phase::awake) became_idle(now);
  } else {
    waiting_.erase(request);
  }
  settle(now);
}

void Machine::on_unsent(RequestId request, Time now) {
  in_flight_.erase(request);
  if (const auto refusal = why_not(now)) {
    hands_.refuse(request, *refusal);
  } else if (phase_ == Phase::awake && !yield_) {
    in_flight_.insert(request);
    hands_.pass(request);
  } else {
    waiting_.insert(request);
    if (phase_ == Phase::awake && in_flight_.empty()) became_idle(now);  // the turn ends
    wake(now);
  }
  settle(now);
}

void Machine::on_ready(Time now) {
  if (phase_ == Phase::starting) {
    enter(Phase::awake, fmt::format("ready after {:.1f} s", seconds(now - start_began_)));
    pass_waiting();
    became_idle(now);
  }
  settle(now);
}

void Machine::on_ended(const std::string& how, Time now) {
  in_flight_.clear();  // their connections are broken; what they still say is of no interest
  kill_at_.reset();
  verify_at_.reset();
  if (phase_ == Phase::stopping) {
    enter(Phase::stopped, std::exchange(stop_reason_, ""));
    try_to_yield(now);
  } else if (has_process()) {
    crashed(how, now);
  }
  if (!waiting_.empty()) wake(now);
  settle(now);
}

void Machine::crashed(const std::string& how, Time now) {
  // One that stayed up for long begins anew.
  if (crashes_.empty() || now - crashes_.back() > policy_.crash_window) backoff_ = policy_.backoff;
  crashes_.push_back(now);
  while (now - crashes_.front() > policy_.crash_window) crashes_.pop_front();
  const bool too_slow = phase_ == Phase::starting && now - start_began_ >= policy_.crash_window;
  if (crashes_.size() >= policy_.max_crashes) {
    failure_ = fmt::format(
        "the server ended {} times within {:.0f} s, and is left alone for as long; the last time {}",
        crashes_.size(), seconds(policy_.crash_window), how);
    crashes_.clear();
    not_before_ = now + policy_.crash_window;
    enter(Phase::failed, failure_);
    refuse_waiting({502, failure_, std::chrono::ceil<std::chrono::seconds>(policy_.crash_window)});
  } else {
    failure_ = "the server is gone: " + how;
    not_before_ = now + backoff_;
    enter(Phase::stopped, failure_);
    backoff_ = std::min(backoff_ * 2, policy_.longest_backoff);
    if (too_slow) refuse_waiting({502, "the server did not start: " + how, {}});
  }
  try_to_yield(now);
}

void Machine::on_time(Time now) {
  switch (phase_) {
    case Phase::awake:
      if (in_flight_.empty()) look(now);
      break;
    case Phase::frozen:
      if (verify_at_ && now >= *verify_at_) {
        verify_at_.reset();
        if (const auto burn = hands_.burn_left()) {
          stop(now, "freezing does not help: " + *burn);
          break;
        }
      }
      if (now >= later(quiet_since_, policy_.stop_after))
        stop(now, fmt::format("no request for {:.0f} s", seconds(policy_.stop_after)));
      break;
    case Phase::stopping:
      if (kill_at_ && now >= *kill_at_) {
        kill_at_.reset();
        hands_.kill();
      }
      break;
    case Phase::stopped:
      if (!waiting_.empty()) wake(now);
      break;
    case Phase::starting:
    case Phase::failed:
      break;
  }
  settle(now);
}

void Machine::on_turn(Time now) {
  turn_ = true;
  asked_ = false;
  if (!waiting_.empty()) wake(now);
  settle(now);
}

void Machine::yield(Yield how, Time now) {
  yield_ = how;
  try_to_yield(now);
  settle(now);
}

void Machine::shut_down(Time now) {
  shutting_down_ = true;
  refuse_waiting({503, "the guard is shutting down", {}});
  if (has_process() && phase_ != Phase::stopping) stop(now, "the guard is shutting down");
  settle(now);
}

void Machine::wake(Time now) {
  if (yield_) return;                                         // those who wait for a turn come first
  if (phase_ == Phase::stopped && now < not_before_) return;  // nor a turn before it can be used
  if (!turn_) {
    if (!std::exchange(asked_, true)) hands_.ask_for_turn();
    return;
  }
  if (phase_ == Phase::frozen) {
    if (const Result<void> thawed = hands_.thaw(); !thawed) {
      hands_.kill();
      stop_reason_ = "it can't be thawed: " + thawed.error().message;
      enter(Phase::stopping, "told to end: " + stop_reason_);
      return;
    }
    verify_at_.reset();
    enter(Phase::awake, "a request");
    pass_waiting();
    became_idle(now);
  } else if (phase_ == Phase::stopped || phase_ == Phase::failed) {
    start(now);
  }
}

void Machine::start(Time now) {
  start_began_ = now;
  restarts_ += starts_++ > 0;
  const Result<void> started = hands_.start();
  enter(Phase::starting, waiting_.empty() ? "" : "a request");
  if (!started) crashed(started.error().message, now);
}

void Machine::pass_waiting() {
  for (const RequestId request : std::exchange(waiting_, {})) {
    in_flight_.insert(request);
    hands_.pass(request);
  }
}

void Machine::refuse_waiting(const Refusal& refusal) {
  for (const RequestId request : std::exchange(waiting_, {})) hands_.refuse(request, refusal);
}

void Machine::became_idle(Time now) {
  quiet_since_ = now;
  next_look_ = now + std::min(policy_.look_every, std::min(policy_.freeze_after, policy_.stop_after) / 4);
  can_freeze_ = policy_.freeze_after != kNever;
  try_to_yield(now);
}

void Machine::look(Time now) {
  if (now < next_look_) return;
  if (hands_.is_working()) quiet_since_ = now;
  if (now >= later(quiet_since_, policy_.stop_after))
    return stop(now, fmt::format("no request for {:.0f} s", seconds(policy_.stop_after)));
  if (can_freeze_ && now >= later(quiet_since_, policy_.freeze_after))
    return freeze(now, fmt::format("no request for {:.1f} s", seconds(policy_.freeze_after)));
  plan_look(now);
}

void Machine::plan_look(Time now) {
  // Seldom while there is time, and at the moment that it is for.
  const Time until = later(
      quiet_since_, can_freeze_ ? std::min(policy_.freeze_after, policy_.stop_after) : policy_.stop_after);
  next_look_ =
      until == Time::max() ? until : std::min(until, now + std::max(policy_.look_every, (until - now) / 4));
}

void Machine::freeze(Time now, const std::string& why) {
  if (const Result<void> frozen = hands_.freeze(); !frozen) {
    can_freeze_ = false;
    plan_look(now);
    hands_.cannot_freeze(frozen.error());
    return;
  }
  if (policy_.verify_after != kNever) verify_at_ = now + policy_.verify_after;
  enter(Phase::frozen, why);
}

void Machine::stop(Time now, const std::string& why) {
  hands_.terminate();
  kill_at_ = now + policy_.stop_grace;
  verify_at_.reset();
  stop_reason_ = why;
  enter(Phase::stopping, "told to end: " + why);
}

void Machine::try_to_yield(Time now) {
  if (!yield_) return;
  if (phase_ == Phase::awake && in_flight_.empty()) {
    if (*yield_ == Yield::freeze) freeze(now, "another server's turn");
    if (phase_ == Phase::awake) stop(now, "another server's turn");
  } else if (phase_ == Phase::frozen && *yield_ == Yield::stop) {
    stop(now, "its memory is needed");
  }
  if (phase_ == Phase::frozen || phase_ == Phase::stopped || phase_ == Phase::failed) end_turn(now);
}

void Machine::end_turn(Time now) {
  yield_.reset();
  turn_ = !needs_turn_;
  hands_.turn_is_over();
  if (!waiting_.empty() && !turn_) wake(now);
}

void Machine::enter(Phase phase, std::string why) {
  phase_ = phase;
  why_ = std::move(why);
}

void Machine::settle(Time now) {
  if (const State state = this->state(); state != shown_) {
    hands_.changed(std::exchange(shown_, state), state, std::exchange(why_, ""));
    state_since_ = now;
  }
  hands_.wake_at(next_time());
}

std::optional<Time> Machine::next_time() const {
  Time next = Time::max();
  switch (phase_) {
    case Phase::awake:
      if (in_flight_.empty()) next = next_look_;
      break;
    case Phase::frozen:
      next = std::min(verify_at_.value_or(Time::max()), later(quiet_since_, policy_.stop_after));
      break;
    case Phase::stopping:
      next = kill_at_.value_or(Time::max());
      break;
    case Phase::stopped:
      if (!waiting_.empty() && !asked_) next = not_before_;
      break;
    case Phase::starting:
    case Phase::failed:
      break;
  }
  return next == Time::max() ? std::nullopt : std::optional(next);
}

}  // namespace halcyon::guard
