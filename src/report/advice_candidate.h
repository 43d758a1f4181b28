// A way to run a model whose cost is compared: figures of a measurement, or typed by somebody.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "report/measurement.h"

namespace halcyon::report {

/// A figure and how far it may be from the truth.
struct Figure {
  double value = 0;
  double plus_minus = 0;  ///< one standard deviation where there is one, else one of the shares below
  bool measured = false;  ///< false: estimated
};

/// How far from the truth a figure without a deviation of its own is taken to be, as a share of it.
inline constexpr double kUncertaintyMeasured = 0.05;
inline constexpr double kUncertaintyEstimated = 0.30;
inline constexpr double kLeastUncertainWatts = 1;  ///< of estimated watts: that of 0 W is not 0

/// Without a deviation of its own.
double uncertainty(double value, bool measured);
/// Watts that nobody measured.
Figure estimated_watts(double value);

/// Watts and joules are what the server adds to the idle machine: that is on anyway, whichever one is chosen.
struct Candidate {
  std::string name;
  std::string origin;  ///< where the figures are from: "case-study-a.toml:8", the id of a measurement
  std::string target = "-- COMMAND";  ///< what `halcyon measure` takes to measure it again

  Figure decode_tps;    ///< warm, tokens/s
  Figure active_watts;  ///< while it works
  Figure idle_watts;    ///< resident, with nothing to do

  struct Prefill {
    int tokens = 0;  ///< of the prompt
    Figure tps;
  };
  std::vector<Prefill> prefill = {};               ///< by size of the prompt
  std::optional<Figure> prefill_j_per_token = {};  ///< absent: `active_watts` for as long as it takes

  std::optional<Figure> load_seconds = {};  ///< from start to the first answer; absent: not started per burst
  std::optional<Figure> load_watts = {};    ///< absent: `active_watts`, an estimate
  std::optional<Figure> frozen_watts = {};  ///< absent: by `burn_cause`
  std::optional<Figure> thaw_seconds = {};  ///< absent: 0.1, an estimate

  /// As in a measurement: none, cpu_spin, gpu_pinned, kernel_worker. To freeze the process cures a CPU that
  /// spins; the last two go on until it ends.
  std::string burn_cause = "none";

  std::map<std::string, std::string> versions = {};
  std::map<std::string, std::string> newest_versions = {};  ///< of the newest measurement of the same server
};

inline bool burns_until_it_ends(const Candidate& c) {
  return c.burn_cause == "gpu_pinned" || c.burn_cause == "kernel_worker";
}

/// Whether what it costs rests on an estimate.
inline bool is_estimated(const Candidate& c) { return !c.active_watts.measured || !c.idle_watts.measured; }

/// Whether two measurements are of the same server: name, API and command, or address if it ran already.
bool same_target(const Measurement& a, const Measurement& b);

/// The figures of a measurement. Fails, by name, if it lacks one that the model of the cost can't do without.
Result<Candidate> candidate_from(const Measurement& measurement);

/// A version that is not the one of the measurement any more.
struct VersionChange {
  std::string name, then, now;
};

/// What changed since the candidate was measured. What only one side knows is not compared; of what this
/// machine does not tell (the model, say), `newest_versions` does.
std::vector<VersionChange> changes_since(const Candidate& candidate,
                                         const std::map<std::string, std::string>& current_versions);

}  // namespace halcyon::report
