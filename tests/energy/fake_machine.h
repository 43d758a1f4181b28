// A folder that looks like /proc and /sys of a machine with power sensors.
#pragma once

#include <fmt/format.h>

#include "base/system_root.h"
#include "energy/sensor.h"
#include "tests/support/support.h"

namespace halcyon::energy {

class FakeMachine {
 public:
  static constexpr int64_t kRange = 262143328850;  // of Intel's servers, in microjoules

  SystemRoot root() const { return SystemRoot(folder_.path()); }
  std::filesystem::path at(const std::string& path) const { return folder_.path() / path.substr(1); }

  void write(const std::string& path, std::string_view text) const { test::write_file(at(path), text); }
  void remove(const std::string& path) const { std::filesystem::remove_all(at(path)); }

  /// "intel-rapl:0", "package-0"
  void add_rapl(const std::string& zone, std::string_view name, int64_t energy_uj = 1000,
                int64_t range = kRange) const {
    write(rapl(zone) + "/name", name);
    write(rapl(zone) + "/max_energy_range_uj", fmt::to_string(range));
    set_rapl(zone, energy_uj);
  }
  void set_rapl(const std::string& zone, int64_t energy_uj) const {
    write(rapl(zone) + "/energy_uj", fmt::format("{}\n", energy_uj));
  }
  static std::string rapl(const std::string& zone) { return "/sys/class/powercap/" + zone; }

  /// An amdgpu; `file`: "power1_average".
  void add_amdgpu(int card, int hwmon, std::string_view file, int64_t microwatts, bool apu = false) const {
    const std::string path = this->hwmon(card, hwmon);
    write(path + "/name", "amdgpu\n");
    write(fmt::format("{}/{}", path, file), fmt::format("{}\n", microwatts));
    write(path + "/power1_label", "PPT\n");
    write(path + "/in0_label", "vddgfx\n");
    if (apu) write(path + "/in1_label", "vddnb\n");
    write(device(card) + "/gpu_busy_percent", "0\n");
  }
  static std::string device(int card) { return fmt::format("/sys/class/drm/card{}/device", card); }
  static std::string hwmon(int card, int hwmon) {
    return fmt::format("{}/hwmon/hwmon{}", device(card), hwmon);
  }

  /// The sensors of this machine, and its own GPU library or none.
  Sensors open(Hints& hints, const std::string& nvml = "") const {
    SensorOptions options;
    options.root = root();
    options.nvml_library = nvml;
    return open_sensors(options, hints);
  }

 private:
  test::TemporaryDir folder_;
};

/// The names of sensors, in order.
inline std::vector<std::string> names_of(const Sensors& sensors) {
  std::vector<std::string> names;
  for (const auto& sensor : sensors) names.push_back(sensor->info().name);
  return names;
}

}  // namespace halcyon::energy
