#include "report/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace halcyon::report {
namespace {

/// Decimals that show three digits of a value.
int decimals_of(double value) {
  const double magnitude = std::abs(value);
  if (magnitude == 0 || magnitude >= 99.95) return 0;
  return std::clamp(2 - static_cast<int>(std::floor(std::log10(magnitude * 1.0005))), 0, 6);
}

std::string with_decimals(double value, int decimals) {
  std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
  for (size_t point = std::min(text.find('.'), text.size()); point > 3; point -= 3)
    text.insert(point - 3, ",");
  const bool zero = text.find_first_not_of("0.,") == text.npos;
  return (value < 0 && !zero ? "−" : "") + text;
}

}  // namespace

std::string digits(double value) { return with_decimals(value, decimals_of(value)); }

std::string digits(double value, std::optional<double> deviation) {
  if (!deviation) return digits(value);
  const int decimals = value != 0 ? decimals_of(value) : decimals_of(*deviation);
  return with_decimals(value, decimals) + " ± " + with_decimals(*deviation, decimals);
}

std::string in_bytes(uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{} {}", digits(value), kUnits[unit]);
}

std::string in_change(double from, double to) {
  if (from == to) return "0 %";
  if (from == 0 || (from < 0) != (to < 0)) return "";
  const double ratio = to / from;
  if (ratio >= 3) return "×" + digits(ratio);
  return (ratio > 1 ? "+" : "") + digits((ratio - 1) * 100) + " %";
}

size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace halcyon::report
