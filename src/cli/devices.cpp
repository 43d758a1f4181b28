// halcyon devices: what this machine can run models on, and what is in the way.
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/diagnostics.h"
#include "cli/numbers.h"
#include "devices/describe.h"

namespace halcyon::cli {
namespace {

struct DevicesOptions {
  std::string root;
  int context = 8192;
  bool measure = false, json = false;
};

Result<void> list_devices(const DevicesOptions& options) {
  TRY(const auto known, devices::parse_known_issues(devices::known_issues_json()));
  const bool here = options.root.empty();
  devices::Machine machine = devices::read_machine(here ? SystemRoot() : SystemRoot(options.root));
  if (here) {
    if (auto vulkan = devices::query_vulkan()) {
      machine.vulkan = std::move(*vulkan);
    } else {
      machine.vulkan_error = std::move(vulkan.error().message);
    }
  }
  if (options.measure) {
    TRY(machine.bandwidth, devices::measure_read_bandwidth(devices::last_level_cache(machine.cpu)));
  }
  const auto findings = devices::find(machine, known);
  const auto fits = devices::model_fits(machine, options.context);
  if (options.json) {
    std::cout << devices::to_json(machine, findings, fits)
                     .dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
              << '\n';
  } else {
    std::cout << devices::to_text(machine, findings, fits);
  }
  return {};
}

}  // namespace

void add_devices(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<DevicesOptions>();
  CLI::App* command = app.add_subcommand(
      "devices", "Lists what this machine can run models on, what is in the way, and what fits");
  CLI::Option* measure =
      command->add_flag("--measure", options->measure, "Measure how fast the CPU reads memory (a second)");
  command->add_option("--ctx", options->context, "Context of the models that fit, in tokens")
      ->check(between(1, 1 << 24))
      ->capture_default_str()
      ->type_name("N");
  command
      ->add_option("--root", options->root,
                   "Read another machine's files: a folder with copies of its /proc, /sys and so on")
      ->check(CLI::ExistingDirectory)
      ->excludes(measure)
      ->type_name("FOLDER");
  command->add_flag("--json", options->json, "Print everything as JSON");
  command->callback([options, &chosen] { chosen = [options] { return list_devices(*options); }; });
}

}  // namespace halcyon::cli
