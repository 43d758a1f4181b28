#include "serve/ollama_time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/quote.h"

namespace halcyon::serve {
namespace {

using std::chrono::nanoseconds;

constexpr int64_t kLastSecond = 253402300799;     // of the year 9999
constexpr double kForEver = 100 * 365 * 86400.0;  // seconds; clocks count nanoseconds for a little longer

/// Longer ones before those that they begin with.
constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {
    {{"ns", 1e-9}, {"us", 1e-6}, {"µs", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}}};

/// Seconds of a Go duration (package time, ParseDuration); a number alone counts seconds.
std::optional<double> parse_go_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  double sum = 0;
  for (bool first = true; first || !text.empty(); first = false) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(number) || std::signbit(number)) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const auto unit = std::ranges::find_if(kUnits, [&](const auto& u) { return text.starts_with(u.first); });
    if (unit != kUnits.end()) {
      text.remove_prefix(unit->first.size());
      number *= unit->second;
    } else if (!first || !text.empty()) {
      return std::nullopt;
    }
    sum += number;
  }
  return negative ? -sum : sum;
}

}  // namespace

std::string rfc3339(int64_t seconds, int64_t ns) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kLastSecond))};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(), ns);
}

std::string rfc3339_in(nanoseconds from_now) {
  const nanoseconds time = std::chrono::system_clock::now().time_since_epoch() + from_now;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  return rfc3339(seconds.count(), (time - seconds).count());
}

std::string rfc3339_now() { return rfc3339_in({}); }

Result<ModelStore::KeepAlive> parse_keep_alive(const Json& value) {
  std::optional<double> seconds;
  if (value.is_number()) seconds = value.get<double>();
  if (value.is_string()) seconds = parse_go_duration(value.get_ref<const std::string&>());
  if (!seconds || std::isnan(*seconds))
    return fail("has to be a number of seconds or a duration such as \"5m\", not {}", quote(to_text(value)));
  if (*seconds < 0 || *seconds > kForEver) return ModelStore::KeepAlive();
  return std::chrono::milliseconds(std::llround(*seconds * 1e3));
}

}  // namespace halcyon::serve
