// Advice for people, and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/advice.h"
#include "report/advice_file.h"

namespace halcyon::report {

/// Some lines for a terminal. Without a price there is no money in it.
std::string to_text(const Advice& advice, const std::optional<Price>& price);

/// All of it. The members are described in docs/ADVICE.md.
nlohmann::ordered_json to_json(const Advice& advice, const std::optional<Price>& price);

/// "2.51 million tokens/day", "100,000 tokens/day".
std::string in_tokens_per_day(double tokens);

/// "frozen while idle", …
std::string_view words_of(Strategy strategy);

}  // namespace halcyon::report
