// From samples and answers to the figures of the document.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "measure/dialect.h"
#include "measure/recorder.h"
#include "report/measurement.h"

namespace halcyon::measure {

std::optional<double> median(std::vector<double> values);
std::optional<double> mean(std::span<const double> values);
std::optional<double> stddev(std::span<const double> values);  ///< n − 1; empty below two values

/// Tokens per second by this clock: of the prompt, from the request to the first piece; generated, from the
/// first piece to the last, without the token that the first piece brought. Empty if there is no telling: no
/// usage, or all came in one burst.
std::optional<double> prefill_tps(const Generation& generation);
std::optional<double> decode_tps(const Generation& generation);

/// Generated tokens: the server's count, or, if it gives none, the pieces that came.
int generated(const Generation& generation);

/// What contradicts itself in what the server says of one answer; empty if nothing does.
std::string contradiction(const Generation& generation, int asked_for);

/// "the server says 51.2 t/s, this clock 43.0: 16 % apart"; empty within 5 %, or if one of them is not known.
std::string disagreement(std::optional<double> server, std::optional<double> here);

/// What was recorded while nothing was asked. At least two samples.
report::IdleWindow idle_window(const Recorder& recorder, std::span<const Sample> samples);

}  // namespace halcyon::measure
