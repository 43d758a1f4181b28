// What was measured of one case, and the figures that follow from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "bench/cases.h"
#include "bench/statistics.h"

namespace halcyon::bench {

/// Energy of the repetitions, for one token.
struct Price {
  double joules = 0;
  std::optional<double>
      above_idle;      ///< more than the idle machine would have taken; empty: that is not known
  std::string source;  ///< which sensors, or the model of the estimate
  bool is_measured = false;
};

struct CaseResult {
  size_t index = 0, n_cases = 1;  ///< which of how many, from 0
  Setup setup;
  Case what;
  int32_t n_batch = 0;  ///< tokens of a step, at most

  std::string started_at;   ///< RFC 3339, UTC
  bool is_complete = true;  ///< false: it was stopped before its last repetition; `after` is missing then
  int attempts = 1;         ///< it was measured again as often because the machine was unsteady

  double load_seconds = 0;      ///< for the weights of its setup
  double cold_seconds = 0;      ///< of the first run
  bool is_after_load = false;   ///< that was the first run of all after loading
  std::vector<double> seconds;  ///< of each repetition
  double cpu_seconds = 0;       ///< of all threads, over all repetitions
  std::optional<Price> price;   ///< empty: nobody keeps accounts
  std::optional<uint64_t>
      peak_memory;  ///< bytes that the process had at most, from the first run to the last
  uint64_t logits_hash = 0;

  backend::StepWork work;  ///< of one repetition
  backend::Limits before;
  std::optional<backend::Limits> after;

  /// Tokens of one repetition, of all sequences together.
  double n_tokens() const { return static_cast<double>(what.n_tokens) * what.n_parallel; }

  /// Of the repetitions in tokens per second. The median is that of the times.
  Statistics rates() const;
  double cold_rate() const { return n_tokens() / cold_seconds; }
  double cpu_seconds_per_token() const;

  double bytes_per_second() const;  ///< at the median
  double macs_per_second() const;   ///< likewise

  /// Means of what was measured before and after.
  backend::Limits limits() const;

  /// Shares of the median that reading and multiplying alone would take at the limits: above 1 if the bytes
  /// come from a cache. Products of int8 are compared with int8_macs, all others with float_macs.
  double read_fraction() const;
  double compute_fraction() const;
};

/// How much the two calibrations differ: the largest relative difference of a limit, 0.1 for 10 %.
double drift(const backend::Limits& a, const backend::Limits& b);

/// A case whose calibrations differ by more is unsteady.
inline constexpr double kMostDrift = 0.1;

bool is_unsteady(const CaseResult& result);

}  // namespace halcyon::bench
