// Numbers on the command line. CLI11 has its own, but lets some pass that it does not understand, and its
// messages show the limits of the type.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace halcyon::cli {

/// The number that is all of `text`; nothing if there is none, or none that a T has.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

/// "a whole number from 0 to 1024", "a number above 0": the least and the largest floats are no limits to
/// speak of.
template <class T>
std::string numbers_between(T low, T high) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::integral<T>) return fmt::format("a whole number from {} to {}", low, high);
  if (high < Limits::max()) return fmt::format("a number from {} to {}", low, high);
  if (low == Limits::lowest()) return "a number";
  return low == Limits::min() ? "a number above 0" : fmt::format("a number from {} on", low);
}

/// Checks that the value of an option is a number from `low` to `high`.
template <class T>
CLI::Validator between(T low, T high) {
  const auto check = [low, high](const std::string& text) -> std::string {
    const std::optional<T> number = parse_number<T>(text);
    if (number && *number >= low && *number <= high) return {};
    return fmt::format("'{}' is not {}", text, numbers_between(low, high));
  };
  return CLI::Validator(check, "");
}

}  // namespace halcyon::cli
