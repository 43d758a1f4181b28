// Sensors and a clock that a test sets.
#pragma once

#include "energy/meter.h"

namespace halcyon::energy {

class FakeSensor final : public Sensor {
 public:
  /// What it shows; the test keeps it. No value: it fails.
  struct Display {
    Sample::Kind kind;
    std::optional<double> value = 0;
    int reads = 0;
  };

  FakeSensor(SensorInfo info, std::shared_ptr<Display> display)
      : info_(std::move(info)), display_(std::move(display)) {}

  const SensorInfo& info() const override { return info_; }
  Result<Sample> sample() override {
    ++display_->reads;
    if (!display_->value) return fail("the sensor is gone");
    return Sample{display_->kind, *display_->value};
  }

 private:
  SensorInfo info_;
  std::shared_ptr<Display> display_;
};

/// Sensors under construction, and the time.
class FakeBench {
 public:
  using Display = std::shared_ptr<FakeSensor::Display>;

  Display gauge(Domain domain, double watts, bool measured = true) {
    return add({domain, std::string(name_of(domain)), "fake", measured}, Sample::Kind::watts, watts);
  }
  Display counter(Domain domain, double range_joules = 0, bool measured = true) {
    return add({domain, std::string(name_of(domain)), "fake", measured, range_joules}, Sample::Kind::joules,
               1000);
  }
  Meter meter() {
    return Meter(std::move(sensors_), {}, [now = now_] { return *now; });
  }

  void pass(double seconds) { now_->at += duration(seconds); }
  void suspend(double seconds) { now_->suspended += duration(seconds); }

 private:
  static Clock::duration duration(double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
  Display add(SensorInfo info, Sample::Kind kind, double value) {
    auto display = std::make_shared<FakeSensor::Display>(kind, value);
    sensors_.push_back(std::make_unique<FakeSensor>(std::move(info), display));
    return display;
  }

  Sensors sensors_;
  std::shared_ptr<Instant> now_ =
      std::make_shared<Instant>(Clock::time_point(std::chrono::hours(1)), Clock::duration());
};

}  // namespace halcyon::energy
