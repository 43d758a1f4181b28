#include "devices/vulkan.h"

#include <nlohmann/json.hpp>

#include "devices/isolated.h"
#include "devices/vulkan_driver.h"

namespace halcyon::devices {

using nlohmann::json;

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VulkanHeap, bytes, budget, device_local, host_visible)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CooperativeMatrix, m, n, k, a, b, c, result, scope, saturating)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(VulkanDevice, name, type, api_version, driver, driver_version, vendor_id,
                                   device_id, heaps, max_memory_allocation_size, max_buffer_size,
                                   max_storage_buffer_range, subgroup_size, min_subgroup_size,
                                   max_subgroup_size, integer_dot_product, fp16, int8, bf16,
                                   host_pointer_import, cooperative_matrices)

namespace {

/// What the child says: {"devices": […]} or {"error": "…"}.
std::string answer(const Result<std::vector<VulkanDevice>>& found) {
  const json document = found ? json{{"devices", *found}} : json{{"error", found.error().message}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<VulkanDevice>> understand(const std::string& text) {
  try {
    const json document = json::parse(text);
    if (document.contains("error")) return fail("{}", document["error"].get<std::string>());
    return document.at("devices").get<std::vector<VulkanDevice>>();
  } catch (const json::exception&) {
    return fail("the Vulkan drivers were asked, but the answer makes no sense");
  }
}

}  // namespace

uint64_t device_memory(const VulkanDevice& device) {
  uint64_t bytes = 0;
  for (const VulkanHeap& heap : device.heaps)
    if (heap.device_local) bytes += heap.bytes;
  return bytes;
}

json vulkan_json(const VulkanDevice& device) { return device; }

Result<std::vector<VulkanDevice>> query_vulkan(const VulkanOptions& options) {
  const auto text = run_isolated([&] { return answer(ask_drivers(options.loader)); }, options.limit);
  if (!text) return fail("a Vulkan driver was asked in a process of its own: {}", text.error().message);
  return understand(*text);
}

}  // namespace halcyon::devices
