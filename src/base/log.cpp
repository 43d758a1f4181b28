#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>

namespace halcyon {

void init_logging() {
  auto logger = spdlog::stderr_color_mt("halcyon");
  logger->set_pattern("halcyon: %l: %v");
  const char* level = std::getenv("HALCYON_LOG");
  logger->set_level(level ? spdlog::level::from_str(level) : spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace halcyon
