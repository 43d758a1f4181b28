#include "energy/meter.h"

#include <time.h>

#include <algorithm>
#include <cmath>

#include "energy/billing.h"

namespace halcyon::energy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kGaugeInterval{50};  // between two readings of a gauge
constexpr seconds kTrapezoid{2};            // the longest gap over which power is taken to change steadily
constexpr seconds kHold{10};                // for which a sensor that fails keeps its power
constexpr double kMostWatts = 2000;         // no sensor of one device shows more for a second

double in_seconds(Clock::duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

Instant Instant::now() {
  timespec t{};
  ::clock_gettime(CLOCK_BOOTTIME, &t);
  const Clock::time_point at = Clock::now();  // CLOCK_MONOTONIC, which stands still in suspension
  return {at, seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec) - at.time_since_epoch()};
}

Meter Meter::open(const SensorOptions& options) {
  Hints hints;
  Sensors sensors = open_sensors(options, hints);
  return Meter(std::move(sensors), std::move(hints));
}

Meter::Meter(Sensors sensors, Hints hints, std::function<Instant()> clock)
    : sensors_(std::move(sensors)),
      hints_(std::move(hints)),
      clock_(std::move(clock)),
      tracks_(sensors_.size()),
      last_(clock_()) {
  for (const auto& sensor : sensors_) infos_.push_back(sensor->info());
  read();
}

Reading Meter::read() {
  const Instant now = clock_();
  Reading reading{.at = now.at, .joules = {}, .watts = {}};
  reading.joules.reserve(tracks_.size());
  reading.watts.reserve(tracks_.size());
  bool changed = billed_.empty();
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const bool usable = tracks_[i].usable;
    advance(i, now);
    changed |= tracks_[i].usable != usable;
    reading.joules.push_back(tracks_[i].joules);
    reading.watts.push_back(tracks_[i].watts);
  }
  if (changed) {
    std::vector<bool> usable;
    for (const Track& track : tracks_) usable.push_back(track.usable);
    billed_ = choose_billed(infos_, usable);
  }
  last_ = now;
  return reading;
}

void Meter::advance(size_t sensor, const Instant& now) {
  Track& track = tracks_[sensor];
  if ((track.gauge || track.failing_since) && now.at - track.tried < kGaugeInterval)
    return hold(track, now.at);
  track.tried = now.at;
  const Result<Sample> sample = sensors_[sensor]->sample();
  if (!sample) {
    hold(track, now.at);
    track.counter.reset();
    if (!track.failing_since) track.failing_since = now.at;
    if (now.at - *track.failing_since > kHold) {
      track.usable = false;
      track.watts.reset();
    }
    return;
  }
  track.gauge = sample->kind == Sample::Kind::watts;
  if (track.gauge) {
    add_gauge(track, std::max(0.0, sample->value), now.at);
  } else {
    add_counter(track, infos_[sensor], sample->value, now);
  }
  track.usable = true;
  track.failing_since.reset();
  track.succeeded = now.at;
}

void Meter::add_gauge(Track& track, double watts, Clock::time_point now) const {
  const Clock::duration gap = now - last_.at;
  if (track.watts) track.joules += in_seconds(gap) * (gap <= kTrapezoid ? (*track.watts + watts) / 2 : watts);
  track.watts = watts;
}

void Meter::add_counter(Track& track, const SensorInfo& info, double counter, const Instant& now) const {
  const double gap = in_seconds(now.at - last_.at);
  double used = track.counter ? counter - *track.counter : 0;
  // Counters move in bursts, so that the limit is one for a second more.
  const bool reset =
      used < 0 ||
      (info.measured && (used > kMostWatts * (gap + 1) || now.suspended - last_.suspended > seconds(1)));
  const bool goes_on = track.counter && !reset;
  track.counter = counter;
  if (!goes_on) return hold(track, now.at);

  const bool may_have_wrapped = info.range_joules > 0 && gap * kMostWatts > info.range_joules;
  if (may_have_wrapped && track.least_watts)
    used +=
        info.range_joules * std::max(0.0, std::round((*track.least_watts * gap - used) / info.range_joules));
  track.joules += used;
  if (may_have_wrapped && !track.least_watts) {
    track.watts.reset();
    return;
  }
  if (gap > 0) track.watts = used / gap;
  if (gap >= 1 && !may_have_wrapped)
    track.least_watts = std::min(track.least_watts.value_or(*track.watts), *track.watts);
}

/// Adds the last power up to now, but for no longer than kHold after it was read.
void Meter::hold(Track& track, Clock::time_point now) const {
  const Clock::duration held = std::min(now, track.succeeded + kHold) - last_.at;
  if (track.watts && held > Clock::duration::zero()) track.joules += *track.watts * in_seconds(held);
}

std::string Meter::source() const {
  std::string text;
  for (const size_t i : billed_) text += (text.empty() ? "" : " + ") + infos_[i].source;
  return text;
}

std::string Meter::measured_source() const {
  std::string text;
  for (const size_t i : billed_)
    if (infos_[i].measured) text += (text.empty() ? "" : " + ") + infos_[i].source;
  return text;
}

bool Meter::measured() const {
  return std::ranges::all_of(billed_, [this](size_t i) { return infos_[i].measured; });
}

std::chrono::seconds Meter::settling_time() const {
  seconds longest{1};
  for (const size_t i : billed_) {
    if (tracks_[i].gauge) longest = std::max(longest, seconds(infos_[i].domain == Domain::battery ? 60 : 5));
  }
  return longest;
}

double Meter::billed_joules(const Reading& from, const Reading& to) const {
  double joules = 0;
  for (const size_t i : billed_) joules += to.joules[i] - from.joules[i];
  return joules;
}

double Meter::measured_joules(const Reading& from, const Reading& to) const {
  double joules = 0;
  for (const size_t i : billed_)
    if (infos_[i].measured) joules += to.joules[i] - from.joules[i];
  return joules;
}

}  // namespace halcyon::energy
