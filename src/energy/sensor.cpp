#include "energy/sensor.h"

#include <algorithm>
#include <iterator>

#include "energy/battery.h"
#include "energy/drm.h"
#include "energy/estimate.h"
#include "energy/nvml.h"
#include "energy/rapl.h"

namespace halcyon::energy {
namespace {

bool is_wsl(const SystemRoot& root) {
  const std::string release = root.text("/proc/sys/kernel/osrelease").value_or("");
  return release.find("microsoft") != release.npos || release.find("Microsoft") != release.npos;
}

}  // namespace

std::string_view name_of(Domain domain) {
  switch (domain) {
    case Domain::package:
      return "package";
    case Domain::core:
      return "core";
    case Domain::uncore:
      return "uncore";
    case Domain::dram:
      return "dram";
    case Domain::soc:
      return "soc";
    case Domain::gpu:
      return "gpu";
    case Domain::board:
      return "board";
    case Domain::battery:
      return "battery";
    case Domain::cpu_estimate:
      return "cpu_estimate";
  }
  return "";
}

Sensors open_sensors(const SensorOptions& options, Hints& hints) {
  Sensors sensors = open_rapl(options.root, options.parts, hints);
  const auto add = [&sensors](Sensors more) { std::ranges::move(more, std::back_inserter(sensors)); };
  const bool has_package = std::ranges::any_of(
      sensors, [](const auto& sensor) { return sensor->info().domain == Domain::package; });
  add(open_drm(options.root, options.gpu_watts, has_package, hints));
  add(open_nvml(options.nvml_library, hints));
  add(open_battery(options.root));

  const bool measures =
      std::ranges::any_of(sensors, [](const auto& sensor) { return sensor->info().measured; });
  if (is_wsl(options.root)) {
    hints.push_back(
        "WSL shows neither RAPL nor hwmon, so the processor's energy is estimated: measure on native Linux, "
        "or "
        "with a meter at the wall");
  } else if (!measures && hints.empty()) {
    hints.push_back(
        "no power sensor was found (virtual machines and containers have none): energy is estimated from CPU "
        "time");
  }
  sensors.push_back(open_cpu_estimate(options.cpu, options.watts_per_core));
  return sensors;
}

}  // namespace halcyon::energy
