// The figures of a measurement that are shown in a table, listed and compared.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/measurement.h"

namespace halcyon::report {

enum class Unit { rate, percent, per_second, seconds, bytes, joules, watts };
std::string_view name_of(Unit unit);  ///< "tok/s", "%", "1/s", "s", "bytes", "J/token", "W"

struct KeyFigure {
  std::string name;  ///< "generation, warm"
  Unit unit;
  bool more_is_better = false;
  std::optional<double> value;
  std::optional<double> deviation;  ///< of repetitions, or of the seconds of a window
  bool is_estimated = false;
};

/// Prompts that are as good as of the same length: each server counts a few tokens of its own.
struct PromptSize {
  int least = 0, most = 0;  ///< tokens
};
std::string name_of(const PromptSize& size);  ///< "prompt of 512 tokens", "prompt of 512 to 527 tokens"

/// Those of all measurements, shortest first. Of each measurement at most one falls into each.
std::vector<PromptSize> prompt_sizes(std::span<const Measurement> measurements);

/// What was measured with prompts of a size; nullptr if nothing was.
const Rates* prefill_of(const Measurement& measurement, const PromptSize& size);

/// All figures in order, those that are not known as well: the same ones for all measurements that are asked
/// about the same sizes.
std::vector<KeyFigure> key_figures(const Measurement& measurement, std::span<const PromptSize> sizes);

/// "48.2 ± 16.4 tok/s"; "~1.04 J/token", an estimate; "not measured".
std::string in_words(const KeyFigure& figure);

/// What the user calls the server, or the best there is instead.
std::string name_of(const Measurement& measurement);

/// Names that differ from each other, by the time or a number if need be.
std::vector<std::string> names_of(std::span<const Measurement> measurements);

/// "2026-05-31 14:22"
std::string when(const Measurement& measurement);

/// Prefill of the prompt that comes closest to 512 tokens; nullptr if none was measured.
const Rates* typical_prefill(const Measurement& measurement);

/// The window after a generation, or the one after the load; nullptr if there is none.
const IdleWindow* typical_idle(const Measurement& measurement);

}  // namespace halcyon::report
