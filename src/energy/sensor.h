// What can tell energy or power: one sensor for each domain of the machine that something measures.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::energy {

/// A part of the machine whose energy is known. Parts contain each other: core and uncore lie inside the
/// package, package and integrated GPU inside the SoC, everything inside board and battery. What is added up
/// is in energy/billing.h.
enum class Domain { package, core, uncore, dram, soc, gpu, board, battery, cpu_estimate };
std::string_view name_of(Domain domain);  ///< for metrics: "package", "cpu_estimate"

struct SensorInfo {
  Domain domain;
  std::string name;    ///< a label for people and metrics: "package-0", "dram-0", "soc", "gpu-1", "battery"
  std::string source;  ///< where the figure comes from; of an estimate, its constants and how to change them
  bool measured = true;     ///< false: estimated
  double range_joules = 0;  ///< after which a counter begins again at 0; 0: it does not
};

/// What a sensor shows at an instant: either is enough.
struct Sample {
  enum class Kind { joules, watts } kind;
  double value;  ///< joules: of a counter that began anywhere; one wrap-around between samples is handled
};

class Sensor {
 public:
  virtual ~Sensor() = default;
  virtual const SensorInfo& info() const = 0;

  /// Reads the sensor. An error says why it can't be read now; the next time it may be.
  virtual Result<Sample> sample() = 0;
};

using Sensors = std::vector<std::unique_ptr<Sensor>>;

/// What was looked for and could not be used, and what to do about it, once for each reason:
/// "RAPL is readable by root only: sudo chmod …, or run with …".
using Hints = std::vector<std::string>;

/// CPU time that the estimate is made from.
struct CpuClock {
  std::string of;                   ///< whose: "this process", "all cores"
  std::function<double()> seconds;  ///< used so far; the sum over all threads
};

CpuClock process_cpu_clock();  ///< of this process, exited threads included

/// Of the whole machine, but for what a hypervisor took from it (/proc/stat). Stands still if that is not
/// there.
CpuClock machine_cpu_clock(const SystemRoot& root = {});

struct SensorOptions {
  SystemRoot root;
  double watts_per_core = 4;  ///< of an active core, for the estimate of the CPU
  double gpu_watts = 40;      ///< of a busy GPU, for the estimate of one without a power sensor
  CpuClock cpu = process_cpu_clock();
  std::string nvml_library = "libnvidia-ml.so.1";  ///< empty: none
  bool parts = false;  ///< also what is never billed, since it is a part of a package: core, uncore
};

/// All sensors of the machine; last the estimate from CPU time, which is always there.
Sensors open_sensors(const SensorOptions& options, Hints& hints);

}  // namespace halcyon::energy
