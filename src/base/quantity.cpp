#include "base/quantity.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace halcyon {
namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  int64_t size;
};
constexpr std::array kTimes = {Unit{"ms", 1}, Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                               Unit{"s", 1000}};
constexpr std::array kSizes = {Unit{"G", 1 << 30}, Unit{"M", 1 << 20}, Unit{"K", 1 << 10}};
constexpr double kLongest = 366.0 * 86'400'000;
constexpr double kLargest = 1e15;

/// The number at the front of `text`, which is then behind it. No sign, no exponent.
std::optional<double> take_number(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + digits, value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + digits) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

/// A number with one of the units, which are then behind `text`; without a unit if nothing follows it.
template <size_t n>
std::optional<double> take_quantity(std::string_view& text, const std::array<Unit, n>& units, int64_t bare) {
  const std::optional<double> number = take_number(text);
  if (!number) return std::nullopt;
  if (text.empty()) return *number * static_cast<double>(bare);
  for (const Unit& unit : units)
    if (text.starts_with(unit.name)) {
      text.remove_prefix(unit.name.size());
      return *number * static_cast<double>(unit.size);
    }
  return std::nullopt;
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  double sum = 0;
  for (bool first = true; first || !text.empty(); first = false) {
    const auto part = take_quantity(text, kTimes, first ? 1000 : -1);
    if (!part || *part < 0) return std::nullopt;
    sum += *part;
  }
  if (!(sum <= kLongest)) return std::nullopt;
  return milliseconds(std::llround(sum));
}

std::string format_duration(milliseconds time) {
  std::string text;
  int64_t left = time.count();
  for (const size_t i : {1, 2, 3, 4, 0}) {
    if (left >= kTimes[i].size) text += fmt::format("{}{}", left / kTimes[i].size, kTimes[i].name);
    left %= kTimes[i].size;
  }
  return text.empty() ? "0s" : text;
}

std::optional<int64_t> parse_bytes(std::string_view text) {
  const auto bytes = take_quantity(text, kSizes, 1);
  if (!bytes || !text.empty() || !(*bytes <= kLargest)) return std::nullopt;
  return std::llround(*bytes);
}

std::string format_bytes(uint64_t bytes) {
  for (const Unit& unit : kSizes)
    if (bytes != 0 && bytes % static_cast<uint64_t>(unit.size) == 0)
      return fmt::format("{}{}", bytes / static_cast<uint64_t>(unit.size), unit.name);
  return std::to_string(bytes);
}

}  // namespace halcyon
