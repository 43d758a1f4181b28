// Figures and foreign text as people read them, the same in every page and table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halcyon::report {

/// Three digits that count, thousands apart: "0.141", "1.04", "48.2", "354", "98,123".
std::string digits(double value);

/// A figure and its deviation with as many decimals as the figure: "48.2 ± 16.4".
std::string digits(double value, std::optional<double> deviation);

/// "454 MiB", "17.3 GiB".
std::string in_bytes(uint64_t bytes);

/// "+12 %", "−3.4 %", "×3.2" from a change of 200 % on.
std::string in_change(double from, double to);

/// How many columns of a terminal a text takes: characters, not bytes.
size_t width_of(std::string_view text);

}  // namespace halcyon::report
