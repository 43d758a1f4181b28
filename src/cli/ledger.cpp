#include "cli/ledger.h"

#include <cstdlib>

#include "cli/numbers.h"
#include "energy/baseline.h"
#include "energy/meter.h"

namespace halcyon::cli {
namespace {

struct Constant {
  const char *option, *variable, *help;
  std::optional<double> PowerConstants::*member;
  double energy::SensorOptions::*standard;
  double most;
};

constexpr Constant kConstants[] = {
    {"--watts-per-core", "HALCYON_WATTS_PER_CORE",
     "Power of an active core, where energy can't be measured and is estimated",
     &PowerConstants::watts_per_core, &energy::SensorOptions::watts_per_core, 1000},
    {"--gpu-watts", "HALCYON_GPU_WATTS", "Power of a busy GPU, where it can't be measured and is estimated",
     &PowerConstants::gpu_watts, &energy::SensorOptions::gpu_watts, 10000},
};

}  // namespace

void use(const PowerConstants& constants, energy::SensorOptions& options) {
  for (const Constant& constant : kConstants)
    if (const auto& watts = constants.*constant.member) options.*constant.standard = *watts;
}

void add_power_constants(CLI::App& command, PowerConstants& constants) {
  for (const Constant& constant : kConstants)
    command.add_option(constant.option, constants.*constant.member, constant.help)
        ->check(between<double>(0, constant.most))
        ->default_str(fmt::format("{:g}", energy::SensorOptions{}.*constant.standard));
  // Not by CLI11's envname(), which looks at the variables of all subcommands.
  command.preparse_callback([&constants](size_t) {
    for (const Constant& constant : kConstants) {
      const char* text = std::getenv(constant.variable);
      if (!text) continue;
      const std::optional<double> watts = parse_number<double>(text);
      if (!watts || !(*watts >= 0 && *watts <= constant.most))
        throw CLI::ValidationError(constant.variable,
                                   fmt::format("'{}' is not a number from 0 to {}", text, constant.most));
      constants.*constant.member = *watts;
    }
  });
}

std::shared_ptr<energy::Ledger> open_ledger(const PowerConstants& constants, energy::Hints& hints) {
  energy::SensorOptions options;
  use(constants, options);
  energy::Sensors sensors = energy::open_sensors(options, hints);
  energy::Meter meter(std::move(sensors), hints);
  const std::optional<double> baseline = energy::load_baseline(meter, hints);
  return std::make_shared<energy::Ledger>(std::move(meter), baseline);
}

}  // namespace halcyon::cli
