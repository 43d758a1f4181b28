#include "energy/drm.h"

#include <algorithm>
#include <filesystem>

namespace halcyon::energy {
namespace {

constexpr std::string_view kFolder = "/sys/class/drm";
constexpr double kLeastSocWatts = 0.1;

/// A card's folders in sysfs.
class Card {
 public:
  Card(SystemRoot root, const std::string& name)
      : root_(std::move(root)), device_(fmt::format("{}/{}/device", kFolder, name)) {}

  bool suspended() const { return root_.text(device_ + "/power/runtime_status") == "suspended"; }

  /// amdgpu's folder in hwmon, whose number changes when the driver is loaded anew; empty if there is none.
  std::string hwmon() const {
    const std::string folder = device_ + "/hwmon";
    for (const std::string& name : root_.names(folder))
      if (const std::string path = fmt::format("{}/{}", folder, name); root_.text(path + "/name") == "amdgpu")
        return path;
    return {};
  }

  const SystemRoot& root() const { return root_; }
  const std::string& device() const { return device_; }

 private:
  SystemRoot root_;
  std::string device_;
};

class AmdgpuPower final : public Sensor {
 public:
  AmdgpuPower(SensorInfo info, Card card, std::string hwmon, std::string file)
      : info_(std::move(info)), card_(std::move(card)), hwmon_(std::move(hwmon)), file_(std::move(file)) {}

  const SensorInfo& info() const override { return info_; }

  Result<Sample> sample() override {
    if (card_.suspended()) return Sample{Sample::Kind::watts, 0};
    Result<int64_t> microwatts = card_.root().number(hwmon_ + file_);
    if (!microwatts) {
      if (const std::string found = card_.hwmon(); !found.empty() && found != hwmon_) {
        hwmon_ = found;
        microwatts = card_.root().number(hwmon_ + file_);
      }
    }
    if (!microwatts) return forward_error(microwatts);
    return Sample{Sample::Kind::watts, static_cast<double>(*microwatts) * 1e-6};
  }

 private:
  SensorInfo info_;
  Card card_;
  std::string hwmon_, file_;
};

class BusyEstimate final : public Sensor {
 public:
  BusyEstimate(SensorInfo info, Card card, double watts)
      : info_(std::move(info)), card_(std::move(card)), watts_(watts) {}

  const SensorInfo& info() const override { return info_; }

  Result<Sample> sample() override {
    if (card_.suspended()) return Sample{Sample::Kind::watts, 0};
    TRY(const int64_t percent, card_.root().number(card_.device() + "/gpu_busy_percent"));
    return Sample{Sample::Kind::watts,
                  watts_ * static_cast<double>(std::clamp<int64_t>(percent, 0, 100)) / 100};
  }

 private:
  SensorInfo info_;
  Card card_;
  double watts_;
};

/// The file of the power, with its slash; empty if there is none.
std::string find_power(const Card& card, const std::string& hwmon, bool is_apu) {
  for (const char* file : {"/power1_average", "/power1_input"}) {
    std::error_code error;
    if (card.suspended() && std::filesystem::exists(card.root().at(hwmon + file), error)) return file;
    const Result<int64_t> microwatts = card.root().number(hwmon + file);
    if (microwatts && (!is_apu || static_cast<double>(*microwatts) * 1e-6 >= kLeastSocWatts)) return file;
  }
  return {};
}

bool is_card(std::string_view name) {  // not its connectors, "card1-DP-1"
  return name.starts_with("card") && name.size() > 4 && name.find_first_not_of("0123456789", 4) == name.npos;
}

}  // namespace

Sensors open_drm(const SystemRoot& root, double gpu_watts, bool has_package, Hints& hints) {
  Sensors sensors;
  for (const std::string& name : root.names(kFolder)) {
    if (!is_card(name)) continue;
    const Card card(root, name);
    const std::string label = "gpu-" + name.substr(4);
    const std::string hwmon = card.hwmon();
    const bool is_apu = !hwmon.empty() && root.text(hwmon + "/in1_label") == "vddnb";
    if (const std::string file = hwmon.empty() ? "" : find_power(card, hwmon, is_apu); !file.empty()) {
      SensorInfo info =
          is_apu ? SensorInfo{Domain::soc, "soc", fmt::format("amdgpu {} (SoC)", file.substr(1))}
                 : SensorInfo{Domain::gpu, label, fmt::format("amdgpu {} {}", name, file.substr(1))};
      sensors.push_back(std::make_unique<AmdgpuPower>(std::move(info), card, hwmon, file));
      continue;
    }
    if ((is_apu && has_package) || !root.number(card.device() + "/gpu_busy_percent")) continue;
    hints.push_back(
        fmt::format("{} says how busy it is, but not what power it takes: {:g} W while busy are assumed "
                    "(--gpu-watts, HALCYON_GPU_WATTS)",
                    name, gpu_watts));
    SensorInfo info{Domain::gpu, label,
                    fmt::format("estimated: {} gpu_busy_percent × {:g} W (--gpu-watts, HALCYON_GPU_WATTS)",
                                name, gpu_watts),
                    false};
    sensors.push_back(std::make_unique<BusyEstimate>(std::move(info), card, gpu_watts));
  }
  return sensors;
}

}  // namespace halcyon::energy
