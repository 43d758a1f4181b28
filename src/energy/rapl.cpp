#include "energy/rapl.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

namespace halcyon::energy {
namespace {

constexpr std::string_view kFolder = "/sys/class/powercap";

/// The hardware counts 32 bits of a unit, so that the range is one unit more than the largest value.
constexpr double kRangePerLargest = 0x1p32 / (0x1p32 - 1);

class RaplSensor final : public Sensor {
 public:
  RaplSensor(SensorInfo info, SystemRoot root, std::string zone, int64_t last)
      : info_(std::move(info)), root_(std::move(root)), path_(zone + "/energy_uj"), last_uj_(last) {}

  const SensorInfo& info() const override { return info_; }

  Result<Sample> sample() override {
    TRY(const int64_t now, root_.number(path_));
    double used = static_cast<double>(now) - static_cast<double>(last_uj_);
    if (used < 0) used = std::max(0.0, used + info_.range_joules * 1e6);
    last_uj_ = now;
    used_uj_ += used;
    return Sample{Sample::Kind::joules, used_uj_ * 1e-6};
  }

 private:
  SensorInfo info_;
  SystemRoot root_;
  std::string path_;
  int64_t last_uj_;
  double used_uj_ = 0;  // whole numbers, exact up to 9 GJ
};

/// What the zone measures, by its name and that of the zone it lies in; nothing if that is not known.
std::optional<SensorInfo> describe(const std::string& zone, const std::string& label,
                                   const std::string& parent) {
  constexpr std::string_view kPackage = "package";
  const auto info = [&zone](Domain domain, std::string name) {
    return SensorInfo{domain, name, fmt::format("RAPL {} ({})", name, zone)};
  };
  const auto is_package = [kPackage](std::string_view text) {
    return text.starts_with(kPackage) &&
           text.find_first_not_of("-0123456789abcdefghijklmnopqrstuvwxyz") == text.npos;
  };
  if (is_package(label)) return info(Domain::package, label);
  if (label == "psys") return info(Domain::board, "board");
  if (!is_package(parent)) return std::nullopt;
  const std::string number = parent.substr(kPackage.size());  // "-0", "-0-die-1"
  if (label == "dram") return info(Domain::dram, label + number);
  if (label == "core") return info(Domain::core, label + number);
  if (label == "uncore") return info(Domain::uncore, label + number);
  return std::nullopt;
}

/// Why a file can't be read, and what to do.
std::string explain(const SystemRoot& root, const std::string& path, const Error& error) {
  if (::faccessat(AT_FDCWD, root.at(path).c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES)
    return fmt::format(
        "RAPL: only root may read {} since Linux 5.10 (CVE-2020-8694: programs can spy on others with it). "
        "To "
        "allow it until the next boot: sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj; for good: "
        "echo 'SUBSYSTEM==\"powercap\", KERNEL==\"intel-rapl:*\", RUN+=\"/bin/chmod a+r /sys%p/energy_uj\"' "
        "| "
        "sudo tee /etc/udev/rules.d/60-rapl.rules",
        path);
  return fmt::format(
      "RAPL: {} (containers hide such files; docker run --security-opt systempaths=unconfined "
      "shows them)",
      error.message);
}

}  // namespace

Sensors open_rapl(const SystemRoot& root, bool parts, Hints& hints) {
  const auto path_of = [](const std::string& zone) { return fmt::format("{}/{}", kFolder, zone); };
  Sensors sensors;
  std::string problem;  // the first: others have the same reason
  for (const std::string& zone : root.names(kFolder)) {
    if (!zone.starts_with("intel-rapl:")) continue;
    const std::string path = path_of(zone);
    const Result<std::string> label = root.text(path + "/name");
    if (!label) {
      if (problem.empty()) problem = explain(root, path + "/name", label.error());
      continue;
    }
    const Result<std::string> parent = root.text(path_of(zone.substr(0, zone.rfind(':'))) + "/name");
    std::optional<SensorInfo> info = describe(zone, *label, parent.value_or(""));
    if (!info) continue;
    if (!parts && (info->domain == Domain::core || info->domain == Domain::uncore)) continue;
    const Result<int64_t> counter = root.number(path + "/energy_uj");
    if (!counter) {
      if (problem.empty()) problem = explain(root, path + "/energy_uj", counter.error());
      continue;
    }
    if (info->domain == Domain::board && *counter == 0) continue;
    const Result<int64_t> largest = root.number(path + "/max_energy_range_uj");
    info->range_joules = std::max(0.0, static_cast<double>(largest.value_or(0)) * kRangePerLargest * 1e-6);
    sensors.push_back(std::make_unique<RaplSensor>(std::move(*info), root, path, *counter));
  }
  if (!problem.empty()) hints.push_back(std::move(problem));
  return sensors;
}

}  // namespace halcyon::energy
