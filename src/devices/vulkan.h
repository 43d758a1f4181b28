// The Vulkan devices of this machine, and what of them matters for inference.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace halcyon::devices {

struct VulkanHeap {
  uint64_t bytes = 0;
  uint64_t budget =
      0;  ///< bytes that this process may use now (VK_EXT_memory_budget); 0: the driver has no say
  bool device_local = false;
  bool host_visible = false;  ///< some memory type of it is
};

/// A product A·B + C that VK_KHR_cooperative_matrix offers: A is m × k, B is k × n.
struct CooperativeMatrix {
  uint32_t m = 0, n = 0, k = 0;
  std::string a, b, c, result;  ///< "f16", "s8", "bf16", …
  std::string scope;            ///< "subgroup", "workgroup", …
  bool saturating = false;
};

struct VulkanDevice {
  std::string name = {};
  std::string type = {};         ///< "integrated", "discrete", "virtual", "cpu", "other"
  std::string api_version = {};  ///< "1.3.230"
  std::string driver = {}, driver_version = {};
  uint32_t vendor_id = 0, device_id = 0;
  std::vector<VulkanHeap> heaps = {};
  uint64_t max_memory_allocation_size = 0;  ///< bytes; 0: not said
  uint64_t max_buffer_size = 0;             ///< bytes; 0: not said
  uint64_t max_storage_buffer_range = 0;    ///< bytes
  uint32_t subgroup_size = 0, min_subgroup_size = 0, max_subgroup_size = 0;
  bool integer_dot_product = false;  ///< four signed 8-bit products in an instruction of the hardware's
  bool fp16 = false, int8 = false, bf16 = false;  ///< arithmetic in shaders
  bool host_pointer_import = false;               ///< VK_EXT_external_memory_host
  std::vector<CooperativeMatrix> cooperative_matrices = {};
};

/// Bytes of the heaps that are on the device.
uint64_t device_memory(const VulkanDevice& device);

nlohmann::json vulkan_json(const VulkanDevice& device);

struct VulkanOptions {
  std::string loader = "libvulkan.so.1";
  std::chrono::milliseconds limit{10'000};
};

/// Asks the drivers, in a process of its own: one that crashes or hangs is an error here. Without a loader
/// the error says which package has it. No device at all is an empty list.
Result<std::vector<VulkanDevice>> query_vulkan(const VulkanOptions& options = {});

}  // namespace halcyon::devices
