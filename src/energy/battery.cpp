#include "energy/battery.h"

#include <cmath>

namespace halcyon::energy {
namespace {

constexpr std::string_view kFolder = "/sys/class/power_supply";

class Battery final : public Sensor {
 public:
  Battery(SystemRoot root, std::vector<std::string> paths)
      : root_(std::move(root)), paths_(std::move(paths)) {}

  const SensorInfo& info() const override { return info_; }

  Result<Sample> sample() override {
    double watts = 0;
    bool discharging = false;
    for (const std::string& path : paths_) {
      if (root_.text(path + "/status") != "Discharging") continue;
      TRY(const double one, power(path));
      watts += one;
      discharging = true;
    }
    if (!discharging) return fail("{}: no battery is discharging", root_.at(kFolder).string());
    return Sample{Sample::Kind::watts, watts};
  }

 private:
  /// Some drivers show what leaves the battery as negative.
  Result<double> power(const std::string& path) const {
    if (const auto microwatts = root_.number(path + "/power_now"))
      return std::abs(static_cast<double>(*microwatts)) * 1e-6;
    TRY(const int64_t microamperes, root_.number(path + "/current_now"));
    TRY(const int64_t microvolts, root_.number(path + "/voltage_now"));
    return std::abs(static_cast<double>(microamperes) * static_cast<double>(microvolts)) * 1e-12;
  }

  SensorInfo info_{Domain::battery, "battery", "battery while discharging (the whole machine)"};
  SystemRoot root_;
  std::vector<std::string> paths_;
};

}  // namespace

Sensors open_battery(const SystemRoot& root) {
  std::vector<std::string> paths;
  for (const std::string& name : root.names(kFolder)) {
    const std::string path = fmt::format("{}/{}", kFolder, name);
    if (root.text(path + "/type") == "Battery" && root.text(path + "/scope") != "Device")
      paths.push_back(path);
  }
  Sensors sensors;
  if (!paths.empty()) sensors.push_back(std::make_unique<Battery>(root, std::move(paths)));
  return sensors;
}

}  // namespace halcyon::energy
