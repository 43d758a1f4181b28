// Prints an answer as it comes, and what it cost.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/generation.h"

namespace halcyon::cli {

/// `text` as a terminal may have it: characters that would control it (all of C0 and C1 but tab and newline,
/// and DEL) become visible ones. A model can be made to say anything, escape sequences included.
std::string printable(std::string_view text);

struct Answer {
  std::string text;
  engine::Finish finish;
};

/// Writes the answer to standard output until it ends, then a newline unless it ended with one. Fails if the
/// generation did, or if standard output is gone.
Result<Answer> print_answer(engine::Generation& generation);

/// "prefill 812 tok/s (24 tokens) · decode 143 tok/s (118 tokens) · 7.1 CPU-ms/token · peak memory 48 MB"
std::string measures(const engine::Timings& timings);

}  // namespace halcyon::cli
