#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace halcyon {
namespace {

struct Level {
  std::string_view name;
  spdlog::level::level_enum value;
};
constexpr Level kLevels[] = {{"debug", spdlog::level::debug},
                             {"info", spdlog::level::info},
                             {"warn", spdlog::level::warn},
                             {"error", spdlog::level::err}};

}  // namespace

Result<void> init_logging() {
  const char* wanted = std::getenv("HALCYON_LOG");
  const std::string_view name = wanted && *wanted ? wanted : "warn";
  const auto* level = std::ranges::find(kLevels, name, &Level::name);
  if (level == std::end(kLevels))
    return fail("HALCYON_LOG={}: unknown, use debug, info, warn or error", name);
  auto logger = spdlog::stderr_color_mt("halcyon");
  logger->set_pattern("halcyon: %l: %v");
  logger->set_level(level->value);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

void log_what_is_done() {
  if (!std::getenv("HALCYON_LOG")) spdlog::default_logger()->set_level(spdlog::level::info);
}

}  // namespace halcyon
