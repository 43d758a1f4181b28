#include "energy/nvml.h"

#include <dlfcn.h>

#include <memory>

#include "base/quote.h"

namespace halcyon::energy {
namespace {

// The part of NVML's ABI that is used (NVML API Reference Guide).
using Status = int;  // 0: success
using Device = struct DeviceHandle*;

/// The loaded and initialised library.
class Nvml {
 public:
  /// Nothing if there is no such library; an error if it can't be used.
  static Result<std::shared_ptr<const Nvml>> load(const std::string& name) {
    void* const handle = name.empty() ? nullptr : ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return nullptr;
    std::shared_ptr<Nvml> nvml(new Nvml(handle));
    if (!nvml->init_ || !nvml->shutdown_ || !nvml->count_ || !nvml->handle_by_index_)
      return fail("{}: this is no NVML that Halcyon knows: update the driver", name);
    if (const Status status = nvml->init_(); status != 0)
      return fail("{}: cannot be initialised: {}", name, nvml->describe(status));
    nvml->initialised_ = true;
    return nvml;
  }

  ~Nvml() {
    if (initialised_) shutdown_();
    ::dlclose(library_);
  }
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  unsigned count() const {
    unsigned n = 0;
    return count_(&n) == 0 ? n : 0;
  }

  Result<Device> device(unsigned index) const {
    Device device = nullptr;
    if (const Status status = handle_by_index_(index, &device); status != 0)
      return fail("{}", describe(status));
    return device;
  }

  /// Since the driver was loaded.
  Result<double> joules(Device device) const {
    unsigned long long millijoules = 0;
    const Status status = energy_ ? energy_(device, &millijoules) : kNotSupported;
    if (status != 0) return fail("{}", describe(status));
    return static_cast<double>(millijoules) * 1e-3;
  }

  Result<double> watts(Device device) const {
    unsigned milliwatts = 0;
    const Status status = power_ ? power_(device, &milliwatts) : kNotSupported;
    if (status != 0) return fail("{}", describe(status));
    return static_cast<double>(milliwatts) * 1e-3;
  }

 private:
  static constexpr Status kNotSupported = 3;  // NVML_ERROR_NOT_SUPPORTED

  explicit Nvml(void* library) : library_(library) {
    find(init_, "nvmlInit_v2");
    find(shutdown_, "nvmlShutdown");
    find(count_, "nvmlDeviceGetCount_v2");
    find(handle_by_index_, "nvmlDeviceGetHandleByIndex_v2");
    find(energy_, "nvmlDeviceGetTotalEnergyConsumption");
    find(power_, "nvmlDeviceGetPowerUsage");
    find(error_string_, "nvmlErrorString");
  }

  template <class Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(::dlsym(library_, name));
  }

  std::string describe(Status status) const {
    const char* text = error_string_ ? error_string_(status) : nullptr;
    return text ? fmt::format("NVML error {}, {}", status, quote(text))
                : fmt::format("NVML error {}", status);
  }

  void* library_;
  bool initialised_ = false;
  Status (*init_)() = nullptr;
  Status (*shutdown_)() = nullptr;
  Status (*count_)(unsigned*) = nullptr;
  Status (*handle_by_index_)(unsigned, Device*) = nullptr;
  Status (*energy_)(Device, unsigned long long*) = nullptr;
  Status (*power_)(Device, unsigned*) = nullptr;
  const char* (*error_string_)(Status) = nullptr;
};

class NvmlSensor final : public Sensor {
 public:
  NvmlSensor(SensorInfo info, std::shared_ptr<const Nvml> nvml, Device device, Sample::Kind kind)
      : info_(std::move(info)), nvml_(std::move(nvml)), device_(device), kind_(kind) {}

  const SensorInfo& info() const override { return info_; }

  Result<Sample> sample() override {
    TRY(const double value, kind_ == Sample::Kind::joules ? nvml_->joules(device_) : nvml_->watts(device_));
    return Sample{kind_, value};
  }

 private:
  SensorInfo info_;
  std::shared_ptr<const Nvml> nvml_;
  Device device_;
  Sample::Kind kind_;
};

}  // namespace

Sensors open_nvml(const std::string& library, Hints& hints) {
  const Result<std::shared_ptr<const Nvml>> nvml = Nvml::load(library);
  if (!nvml) hints.push_back(nvml.error().message);
  Sensors sensors;
  if (!nvml || !*nvml) return sensors;
  for (unsigned i = 0, n = (*nvml)->count(); i < n; ++i) {
    const std::string name = fmt::format("nvidia-{}", i);
    const Result<Device> device = (*nvml)->device(i);
    const auto add = [&](Sample::Kind kind, std::string_view what) {
      SensorInfo info{Domain::gpu, name, fmt::format("NVML GPU {} {}", i, what)};
      sensors.push_back(std::make_unique<NvmlSensor>(std::move(info), *nvml, *device, kind));
    };
    if (device && (*nvml)->joules(*device)) {
      add(Sample::Kind::joules, "energy counter");
    } else if (device && (*nvml)->watts(*device)) {
      add(Sample::Kind::watts, "power");
    } else {
      hints.push_back(fmt::format("{}: its power can't be read: {}", name,
                                  device ? (*nvml)->watts(*device).error().message : device.error().message));
    }
  }
  return sensors;
}

}  // namespace halcyon::energy
