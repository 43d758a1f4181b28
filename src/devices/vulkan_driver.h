// Talks to Vulkan in the process that calls: for vulkan.cpp, which calls it in a child.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "devices/vulkan.h"

namespace halcyon::devices {

Result<std::vector<VulkanDevice>> ask_drivers(const std::string& loader);

}  // namespace halcyon::devices
