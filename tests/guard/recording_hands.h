// A machine whose hands only write down what they are told, and a clock that is moved by hand.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "guard/machine.h"

namespace halcyon::test {

using namespace std::chrono_literals;

class RecordingHands : public guard::Hands {
 public:
  explicit RecordingHands(const guard::Policy& policy = {}, bool needs_turn = false)
      : machine(policy, *this, needs_turn) {}

  /// Moves the clock, and lets the machine act at the times that it asked for.
  void wait(guard::Clock::duration time) {
    const guard::Time until = now + time;
    while (wake && *wake <= until) {
      now = std::max(now, *std::exchange(wake, std::nullopt));
      machine.on_time(now);
    }
    now = until;
  }

  /// What was done since the last call: "thaw, pass 1".
  std::string did() { return std::exchange(done_, ""); }

  // What happens to the machine, at this time.
  void begin() { machine.begin(now); }
  void request(guard::RequestId request) { machine.on_request(request, now); }
  void left(guard::RequestId request) { machine.on_left(request, now); }
  void unsent(guard::RequestId request) { machine.on_unsent(request, now); }
  void ready() { machine.on_ready(now); }
  void ended(const std::string& how = "it was ended by signal 11") { machine.on_ended(how, now); }
  void turn() { machine.on_turn(now); }
  void yield(guard::Yield how) { machine.yield(how, now); }
  void shut_down() { machine.shut_down(now); }

  /// Starts it, as begin() and ready() do, and forgets what that did.
  void begin_and_be_ready() {
    begin();
    ready();
    did();
  }

  guard::State state() const { return machine.state(); }

  guard::Machine machine;
  guard::Time now{};
  std::optional<guard::Time> wake;

  // How things go.
  bool works = false, starts = true, freezes = true, thaws = true;
  std::optional<std::string> burn;

  size_t looks = 0, looks_at_frozen = 0;
  std::string why;  ///< of the last change
  std::vector<guard::State> states;
  guard::Refusal refusal;  ///< the last one
  std::function<void()> on_ask, on_over;

  Result<void> start() override { return tried("start", starts); }
  void terminate() override { note("terminate"); }
  void kill() override { note("kill"); }
  Result<void> freeze() override { return tried("freeze", freezes); }
  Result<void> thaw() override { return tried("thaw", thaws); }
  bool is_working() override {
    ++looks;
    return works;
  }
  std::optional<std::string> burn_left() override {
    ++looks_at_frozen;
    return burn;
  }
  void pass(guard::RequestId request) override { note(fmt::format("pass {}", request)); }
  void refuse(guard::RequestId request, const guard::Refusal& with) override {
    note(fmt::format("refuse {} with {}", request, with.status));
    refusal = with;
  }
  void wake_at(std::optional<guard::Time> time) override { wake = time; }
  void changed(guard::State, guard::State to, const std::string& because) override {
    states.push_back(to);
    why = because;
  }
  void cannot_freeze(const Error&) override { note("cannot freeze"); }
  void ask_for_turn() override {
    note("ask for a turn");
    if (on_ask) on_ask();
  }
  void turn_is_over() override {
    note("turn is over");
    if (on_over) on_over();
  }

 private:
  void note(std::string_view what) { done_ += fmt::format("{}{}", done_.empty() ? "" : ", ", what); }
  Result<void> tried(std::string_view what, bool works_out) {
    note(what);
    if (!works_out) return fail("not allowed");
    return {};
  }

  std::string done_;
};

}  // namespace halcyon::test
