// Who used the energy: divides what the meter shows among the phases and the models that were at work.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "energy/joules.h"

namespace halcyon::energy {

class Meter;

enum class Phase { prefill, decode, load, idle };
std::string_view name_of(Phase phase);  ///< for metrics: "prefill"

/// The accounts of a process, for all its engines together. Between `begin()` and `end()` of a step the
/// machine's energy belongs to that step; steps of several engines at the same time share it equally. What is
/// used while no step is in work is idle. Any thread may call.
///
/// The baseline of `above_idle` is the power of the idle machine: what the caller gives, or else what is seen
/// while no step is in work, as a mean over about the last minute of that, once there was a time long enough
/// (Meter::settling_time()). Estimates have a baseline of 0 W by definition: they count CPU time that was
/// used and nothing else.
class Ledger {
 public:
  /// `baseline_watts`: of the idle machine, for the measured ones of the sensors billed now (baseline.h).
  explicit Ledger(Meter meter, std::optional<double> baseline_watts = std::nullopt);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// An engine's step in work; may be used again for its next. What an unfinished one took is booked as idle
  /// when it is destroyed or begins anew: nobody computed anything. The ledger must outlive it.
  class Step {
   public:
    Step() = default;
    ~Step();
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    friend class Ledger;
    Ledger* ledger_ = nullptr;    ///< where it is in work
    std::vector<double> joules_;  ///< by sensor
    double seconds_ = 0;          ///< its share of the time
  };

  void begin(Step& step);

  /// What the step took. By tokens, its energy goes to prefill and decode in the totals; without any, to
  /// idle. Price::add() divides the result among the requests of the step. Above idle it is never below 0;
  /// what a sensor that moves in bursts shows too little in one step is taken off the following ones.
  Joules end(Step& step, const Work& work);

  /// What a step took that was all of one phase, such as loading a model.
  Joules end(Step& step, Phase phase);

  struct PhaseTotal {
    Joules joules;  ///< of the sensors that were billed; above idle since there was a baseline, never falling
    uint64_t tokens = 0;  ///< computed; of prefill and decode
    double seconds = 0;   ///< of wall-clock time; one of two steps at the same time has half of it
  };
  struct Totals {
    std::map<std::pair<size_t, Phase>, double> joules;  ///< by sensor of meter() and phase; only while billed
    std::map<Phase, PhaseTotal> phases;                 ///< all of them
    std::optional<double> idle_watts;                   ///< the baseline
  };
  Totals totals();  ///< up to now

  /// The meter, for its sensors' names. Their number and names never change; `billed()`, `source()` and
  /// `measured()` may while a step begins or ends: ask source() and measured() here instead.
  const Meter& meter() const;
  std::string source() const;
  bool measured() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace halcyon::energy
