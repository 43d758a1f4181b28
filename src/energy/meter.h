// Energy between two instants, by domain, with the source of each figure.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "energy/joules.h"
#include "energy/sensor.h"

namespace halcyon::energy {

using Clock = std::chrono::steady_clock;

/// Now, on the clock that runs while the machine is awake.
struct Instant {
  Clock::time_point at;
  Clock::duration suspended;  ///< how long the machine slept since it was started

  static Instant now();
};

/// Joules of all domains up to an instant.
struct Reading {
  Clock::time_point at;
  std::vector<double> joules;                ///< by sensor, since the meter was opened; never falls
  std::vector<std::optional<double>> watts;  ///< by sensor: now, or since the last reading; empty: not known
};

/// Adds up energy. Nothing is read between calls: no thread, no timer. Not for several threads at once.
///
/// Counters (RAPL, NVML, CPU time) are exact however seldom they are read, up to their wrap-around: one of 65
/// kJ wraps after 11 minutes at 100 W. After a longer gap the wraps that nobody saw are counted as often as
/// fits the least power seen so far, since nobody reads while nothing goes on; if none is known, the joules
/// are the least possible and the watts empty.
///
/// Gauges (amdgpu, battery, a busy share) show power, mostly a mean of the last second: it is integrated in
/// trapezoids between readings. Over a gap of more than 2 s the reading at its end stands for all of it. They
/// are read at most every 50 ms; in between their last reading holds. So whoever measures with them reads
/// every 100 ms to 1 s while something goes on.
///
/// A sensor that can't be read keeps its last power for 10 s; after that nothing is added for it, its watts
/// are empty, and other sensors may be billed in its place. When it is back a counter goes on from what it
/// shows then: no joules are made up, none fall, and no outage is charged to the moment it ended. The same
/// holds for a counter that was reset, and after the machine was suspended.
class Meter {
 public:
  static Meter open(const SensorOptions& options = {});

  /// A meter of sensors that are there already. Reads them once. `clock`: the time; tests have their own.
  explicit Meter(Sensors sensors, Hints hints = {}, std::function<Instant()> clock = Instant::now);

  const std::vector<SensorInfo>& sensors() const { return infos_; }
  const Hints& hints() const { return hints_; }

  /// The sensors whose sum is the machine's energy without counting anything twice, as of the last reading
  /// (energy/billing.h).
  const std::vector<size_t>& billed() const { return billed_; }

  /// Names the billed sensors: "RAPL package-0 (intel-rapl:0) + NVML GPU 0 power", "estimated: CPU time of
  /// …".
  std::string source() const;
  bool measured() const;  ///< whether all billed sensors are

  /// Names those of the billed sensors that measure; empty if none does.
  std::string measured_source() const;

  /// For how long after some work the billed sensors still show it: counters not at all, though a second is
  /// the least that gives a steady mean; gauges average over about a second; batteries over up to a minute.
  std::chrono::seconds settling_time() const;

  Reading read();

  /// Gross joules of the billed sensors between two readings.
  double billed_joules(const Reading& from, const Reading& to) const;

  /// The same of those that measure: what a baseline of the idle machine is made of.
  double measured_joules(const Reading& from, const Reading& to) const;

 private:
  /// What is known of a sensor.
  struct Track {
    double joules = 0;
    std::optional<double> watts;        ///< the last that was known
    std::optional<double> least_watts;  ///< of a counter that wraps: over a second or more
    std::optional<double> counter;      ///< at the last sample; empty: none, or it failed since
    bool gauge = false;
    bool usable = false;
    Clock::time_point tried, succeeded;  ///< the last time
    std::optional<Clock::time_point> failing_since;
  };
  void advance(size_t sensor, const Instant& now);
  void add_gauge(Track& track, double watts, Clock::time_point now) const;
  void add_counter(Track& track, const SensorInfo& info, double counter, const Instant& now) const;
  void hold(Track& track, Clock::time_point now) const;

  Sensors sensors_;
  std::vector<SensorInfo> infos_;
  Hints hints_;
  std::function<Instant()> clock_;
  std::vector<Track> tracks_;
  std::vector<size_t> billed_;
  Instant last_;  ///< of the last reading
};

}  // namespace halcyon::energy
