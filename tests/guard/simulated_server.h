// A server, its clients and a clock that exist only in a test: events happen in the order of their times, and
// a seed decides which.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <stdexcept>

#include "guard/machine.h"

namespace halcyon::test {

using namespace std::chrono_literals;
using guard::Clock;
using guard::RequestId;
using guard::Time;

/// Runs what is planned, earliest first.
class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed) {}

  Time now() const { return now_; }
  void at(Time time, std::function<void()> event) { events_.push({time, ++planned_, std::move(event)}); }
  void in(Clock::duration time, std::function<void()> event) { at(now_ + time, std::move(event)); }

  /// Until nothing is planned any more. Throws if that does not come to an end.
  void run();

  bool chance(double probability) { return std::uniform_real_distribution<>()(random_) < probability; }
  size_t pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
  Clock::duration between(Clock::duration least, Clock::duration most);

 private:
  struct Event {
    Time at;
    uint64_t number;
    std::function<void()> what;
    bool operator<(const Event& other) const {
      return std::tie(other.at, other.number) < std::tie(at, number);
    }
  };

  std::mt19937_64 random_;
  Time now_{};
  uint64_t planned_ = 0;
  std::priority_queue<Event> events_;
};

/// How often a simulated server goes wrong, by itself.
struct Trouble {
  double cannot_start = 0, dies_early = 0, crash = 0, cannot_freeze = 0, cannot_thaw = 0;
  double works_on = 0, burns_on = 0;
};

/// Carries out what a machine decides, and throws std::logic_error if that is not allowed: a request passed
/// to a server that is frozen, a server frozen with a request in flight, a request answered twice.
class SimulatedServer : public guard::Hands {
 public:
  SimulatedServer(Simulation& simulation, const guard::Policy& policy, const Trouble& trouble,
                  bool needs_turn = false);

  guard::Machine& machine() { return machine_; }
  bool is_awake() const { return alive_ && ready_ && !frozen_ && !ending_; }
  bool is_frozen() const { return frozen_; }

  /// A client that asks, and leaves after some time if it has no answer by then.
  void request(std::optional<Clock::duration> patience = std::nullopt);
  void crash();

  /// Throws if some request was forgotten.
  void check_that_all_is_settled() const;

  size_t answered = 0, refused = 0, gone = 0, starts = 0;
  std::function<void()> on_ask, on_turn_over;  ///< of servers that exclude each other

  Result<void> start() override;
  void terminate() override;
  void kill() override;
  Result<void> freeze() override;
  Result<void> thaw() override;
  bool is_working() override { return simulation_.chance(trouble_.works_on); }
  std::optional<std::string> burn_left() override;
  void pass(RequestId request) override;
  void refuse(RequestId request, const guard::Refusal& refusal) override;
  void wake_at(std::optional<Time> time) override;
  void changed(guard::State from, guard::State to, const std::string& why) override;
  void cannot_freeze(const Error&) override {}
  void ask_for_turn() override;
  void turn_is_over() override;

 private:
  enum class Fate { waiting, passed, over };

  void end(const std::string& how, Clock::duration notice);
  void leave(RequestId request);
  static void require(bool condition, const std::string& what);

  Simulation& simulation_;
  Trouble trouble_;
  guard::Machine machine_;
  std::map<RequestId, Fate> requests_;
  RequestId next_ = 0;
  std::optional<Time> timer_;
  bool alive_ = false, ready_ = false, frozen_ = false, ending_ = false;
  bool end_is_known_ = true;  ///< to the machine
  uint64_t generation_ = 0;   ///< of the process
};

}  // namespace halcyon::test
