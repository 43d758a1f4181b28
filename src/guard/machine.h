// What a guarded server should be doing, decided from what happens. No clock, process or socket of its own:
// the same machine runs against real servers and against simulated ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace halcyon::guard {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using RequestId = uint64_t;  ///< ascending in the order in which requests came

/// As /guard/status has it. A server that was told to end and has not yet is idle.
enum class State { starting, busy, idle, frozen, stopped, failed };
std::string_view name_of(State state);

inline constexpr Clock::duration kNever = Clock::duration::max();

struct Policy {
  Clock::duration freeze_after = std::chrono::seconds(5);   ///< without a request; kNever
  Clock::duration stop_after = std::chrono::minutes(15);    ///< likewise
  Clock::duration verify_after = std::chrono::seconds(30);  ///< of being frozen; kNever
  Clock::duration look_every = std::chrono::seconds(1);     ///< at an idle server: is it working on its own?
  Clock::duration stop_grace = std::chrono::seconds(10);    ///< from SIGTERM to SIGKILL
  size_t max_queue = 256;                                   ///< requests that wait for a server
  size_t max_crashes = 5;  ///< within `crash_window`; so many stop the restarts
  Clock::duration crash_window = std::chrono::minutes(1);
  Clock::duration backoff = std::chrono::seconds(1);  ///< after a crash; doubles with each, up to the next
  Clock::duration longest_backoff = std::chrono::seconds(16);
};

/// What a request gets that can't be passed on.
struct Refusal {
  int status = 503;
  std::string message;
  std::chrono::seconds retry_after{0};  ///< 0: none
};

/// Carries out what the machine decides. None of these may call the machine back before they return.
class Hands {
 public:
  virtual ~Hands() = default;

  virtual Result<void> start() = 0;  ///< on_ready() or on_ended() follows, unless it fails
  virtual void terminate() = 0;      ///< SIGTERM, thawed if need be; on_ended() follows
  virtual void kill() = 0;           ///< SIGKILL; on_ended() follows
  virtual Result<void> freeze() = 0;
  virtual Result<void> thaw() = 0;

  /// Whether the idle server works on its own, by what it did since it became idle or since the last look.
  virtual bool is_working() = 0;
  /// What still burns though the server is frozen; nothing if all is well.
  virtual std::optional<std::string> burn_left() = 0;

  virtual void pass(RequestId request) = 0;  ///< it may go to the server; on_left() follows
  virtual void refuse(RequestId request, const Refusal& refusal) = 0;

  virtual void wake_at(std::optional<Time> time) = 0;  ///< call on_time() then; the latest call counts
  virtual void changed(State from, State to, const std::string& why) = 0;
  virtual void cannot_freeze(const Error& error) = 0;  ///< it stays idle

  /// For servers that exclude each other: on_turn() follows, at once or later. Asked for before a start or a
  /// thaw.
  virtual void ask_for_turn() = 0;
  virtual void turn_is_over() = 0;
};

/// What a server whose turn ends becomes.
enum class Yield { freeze, stop };

class Machine {
 public:
  /// `needs_turn`: there are others that it excludes.
  Machine(Policy policy, Hands& hands, bool needs_turn = false);

  void begin(Time now);  ///< starts the server without a request

  void on_request(RequestId request, Time now);  ///< pass() or refuse() follows, now or later
  void on_left(RequestId request, Time now);     ///< answered, gone or given up, whether it was passed or not
  void on_unsent(RequestId request, Time now);   ///< it was passed, and not a byte reached the server: anew
  void on_ready(Time now);                       ///< the server answers
  void on_ended(const std::string& how, Time now);
  void on_time(Time now);
  void on_turn(Time now);
  void yield(Yield how, Time now);  ///< as soon as nothing is in flight; turn_is_over() follows
  void shut_down(Time now);         ///< refuses all from here on, and ends the server

  State state() const;
  Time state_since() const { return state_since_; }
  size_t waiting() const { return waiting_.size(); }
  size_t in_flight() const { return in_flight_.size(); }
  bool has_process() const;                                 ///< as far as the machine knows
  bool is_awake() const { return phase_ == Phase::awake; }  ///< requests are passed at once
  bool has_turn() const { return turn_; }
  uint64_t restarts() const { return restarts_; }
  const std::string& failure() const { return failure_; }  ///< how the last crash was described

 private:
  enum class Phase { stopped, starting, awake, frozen, stopping, failed };

  std::optional<Refusal> why_not(Time now) const;  ///< a request may wait for the server
  void wake(Time now);
  void start(Time now);
  void enter(Phase phase, std::string why);
  void pass_waiting();
  void refuse_waiting(const Refusal& refusal);
  void look(Time now);
  void plan_look(Time now);
  void freeze(Time now, const std::string& why);
  void stop(Time now, const std::string& why);
  void crashed(const std::string& how, Time now);
  void try_to_yield(Time now);
  void end_turn(Time now);
  void became_idle(Time now);
  void settle(Time now);
  std::optional<Time> next_time() const;

  const Policy policy_;
  Hands& hands_;
  const bool needs_turn_;

  Phase phase_ = Phase::stopped;
  State shown_ = State::stopped;
  Time state_since_{};
  std::string why_;

  std::set<RequestId> waiting_, in_flight_;

  Time quiet_since_{};      ///< no request, and no work of its own, since then
  Time next_look_{};        ///< while idle
  bool can_freeze_ = true;  ///< until it fails; tried again after the next request
  std::optional<Time> verify_at_;
  std::optional<Time> kill_at_;  ///< while stopping
  std::string stop_reason_;      ///< likewise
  Time start_began_{};
  Time not_before_{};  ///< the next start
  Clock::duration backoff_;
  std::deque<Time> crashes_;  ///< within the window
  std::string failure_;
  uint64_t starts_ = 0, restarts_ = 0;

  bool turn_, asked_ = false;
  std::optional<Yield> yield_;
  bool shutting_down_ = false;
};

}  // namespace halcyon::guard
