#include "devices/vulkan_driver.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "devices/vulkan_declarations.h"

namespace halcyon::devices {
namespace {

// clang-format off
#define HALCYON_VULKAN_FUNCTIONS(X)                                                                        \
  X(vkDestroyInstance) X(vkEnumeratePhysicalDevices) X(vkEnumerateDeviceExtensionProperties)                 \
  X(vkGetPhysicalDeviceProperties2) X(vkGetPhysicalDeviceFeatures2) X(vkGetPhysicalDeviceMemoryProperties2)
// clang-format on

/// An instance of Vulkan 1.1, and the functions that are needed.
class Instance {
 public:
  static Result<Instance> create(const std::string& loader) {
    // Never closed: drivers leave threads and exit handlers behind.
    void* library = ::dlopen(loader.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return fail("there is no Vulkan loader ({}); on Debian, install libvulkan1", loader);
    Instance instance;
    instance.get_ = reinterpret_cast<PFN_vkGetInstanceProcAddr>(::dlsym(library, "vkGetInstanceProcAddr"));
    if (!instance.get_) return fail("{} is no Vulkan loader", loader);
    const auto create = instance.load<PFN_vkCreateInstance>("vkCreateInstance");
    if (!create) return fail("{} has no vkCreateInstance", loader);
    const VkApplicationInfo application{.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                        .pNext = nullptr,
                                        .pApplicationName = "halcyon",
                                        .applicationVersion = 0,
                                        .pEngineName = nullptr,
                                        .engineVersion = 0,
                                        .apiVersion = VK_API_VERSION_1_1};
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &application;
    if (const VkResult result = create(&info, nullptr, &instance.handle_); result != VK_SUCCESS) {
      if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
        return fail("Vulkan has no driver here; for AMD and Intel on Debian, install mesa-vulkan-drivers");
      return fail("vkCreateInstance failed with {}", static_cast<int>(result));
    }
#define HALCYON_LOAD(name) \
  if (!(instance.name = instance.load<PFN_##name>(#name))) return fail("the Vulkan loader has no {}", #name);
    HALCYON_VULKAN_FUNCTIONS(HALCYON_LOAD)
#undef HALCYON_LOAD
    return instance;
  }

#define HALCYON_DECLARE(name) PFN_##name name = nullptr;
  HALCYON_VULKAN_FUNCTIONS(HALCYON_DECLARE)
#undef HALCYON_DECLARE

  /// nullptr if there is none.
  template <class Function>
  Function load(const char* name) const {
    return reinterpret_cast<Function>(get_(handle_, name));
  }

  VkInstance handle() const { return handle_; }

 private:
  PFN_vkGetInstanceProcAddr get_ = nullptr;
  VkInstance handle_ = VK_NULL_HANDLE;
};

/// Structures that are filled in by one call.
template <class First>
class Chain {
 public:
  explicit Chain(VkStructureType type) { first_.sType = type; }
  template <class T>
  void add(T& next, VkStructureType type) {
    next.sType = type;
    next.pNext = first_.pNext;
    first_.pNext = &next;
  }
  First* get() { return &first_; }

 private:
  First first_{};
};

std::string_view name_of(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated";
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "cpu";
    default:
      return "other";
  }
}

/// Of VkComponentTypeKHR.
std::string component(uint32_t type) {
  static constexpr std::array<std::string_view, 11> kNames{"f16", "f32", "f64", "s8",  "s16", "s32",
                                                           "s64", "u8",  "u16", "u32", "u64"};
  if (type < kNames.size()) return std::string(kNames[type]);
  switch (type) {
    case 1000141000:
      return "bf16";
    case 1000491002:
      return "f8e4m3";
    case 1000491003:
      return "f8e5m2";
    default:
      return fmt::format("type {}", type);
  }
}

/// Of VkScopeKHR.
std::string_view scope(uint32_t scope) {
  static constexpr std::array<std::string_view, 6> kNames{"",         "device", "workgroup",
                                                          "subgroup", "",       "queue family"};
  return scope < kNames.size() ? kNames[scope] : "";
}

/// The text of an array that should end with a zero.
template <size_t N>
std::string text(const char (&array)[N]) {
  return {array, static_cast<size_t>(std::find(array, array + N, '\0') - array)};
}

std::string version_text(uint32_t version) {
  return fmt::format("{}.{}.{}", VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version),
                     VK_API_VERSION_PATCH(version));
}

class Query {
 public:
  Query(const Instance& vk, VkPhysicalDevice device) : vk_(vk), device_(device) {}

  VulkanDevice run() {
    uint32_t n = 0;
    if (vk_.vkEnumerateDeviceExtensionProperties(device_, nullptr, &n, nullptr) == VK_SUCCESS) {
      std::vector<VkExtensionProperties> found(n);
      vk_.vkEnumerateDeviceExtensionProperties(device_, nullptr, &n, found.data());
      for (uint32_t i = 0; i < std::min<size_t>(n, found.size()); ++i)
        extensions_.insert(text(found[i].extensionName));
    }
    VkPhysicalDeviceProperties2 basic{};
    basic.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    vk_.vkGetPhysicalDeviceProperties2(device_, &basic);
    version_ = basic.properties.apiVersion;
    properties();
    features();
    memory();
    cooperative_matrices();
    return std::move(out_);
  }

 private:
  /// Whether something is there: since a version of Vulkan, or as an extension.
  bool has(uint32_t since, const char* extension) const {
    return version_ >= since || extensions_.contains(extension);
  }

  void properties() {
    Chain<VkPhysicalDeviceProperties2> chain(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2);
    VkPhysicalDeviceMaintenance3Properties allocation{};
    VkPhysicalDeviceMaintenance4Properties buffer{};
    VkPhysicalDeviceDriverProperties driver{};
    VkPhysicalDeviceSubgroupProperties subgroup{};
    VkPhysicalDeviceSubgroupSizeControlProperties sizes{};
    VkPhysicalDeviceShaderIntegerDotProductProperties dot{};
    chain.add(allocation, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
    chain.add(subgroup, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
    if (has(VK_API_VERSION_1_2, VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME))
      chain.add(driver, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
    if (has(VK_API_VERSION_1_3, VK_KHR_MAINTENANCE_4_EXTENSION_NAME))
      chain.add(buffer, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
    if (has(VK_API_VERSION_1_3, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME))
      chain.add(sizes, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
    if (has(VK_API_VERSION_1_3, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME))
      chain.add(dot, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES);
    vk_.vkGetPhysicalDeviceProperties2(device_, chain.get());

    const VkPhysicalDeviceProperties& basic = chain.get()->properties;
    out_.name = text(basic.deviceName);
    out_.type = name_of(basic.deviceType);
    out_.api_version = version_text(basic.apiVersion);
    out_.driver = text(driver.driverName);
    out_.driver_version = text(driver.driverInfo);
    if (out_.driver_version.empty()) out_.driver_version = fmt::format("{:#x}", basic.driverVersion);
    out_.vendor_id = basic.vendorID;
    out_.device_id = basic.deviceID;
    out_.max_memory_allocation_size = allocation.maxMemoryAllocationSize;
    out_.max_buffer_size = buffer.maxBufferSize;
    out_.max_storage_buffer_range = basic.limits.maxStorageBufferRange;
    out_.subgroup_size = subgroup.subgroupSize;
    out_.min_subgroup_size = sizes.minSubgroupSize ? sizes.minSubgroupSize : subgroup.subgroupSize;
    out_.max_subgroup_size = sizes.maxSubgroupSize ? sizes.maxSubgroupSize : subgroup.subgroupSize;
    out_.integer_dot_product = dot.integerDotProduct4x8BitPackedSignedAccelerated != 0;
  }

  void features() {
    Chain<VkPhysicalDeviceFeatures2> chain(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
    VkPhysicalDeviceShaderFloat16Int8Features narrow{};
    if (has(VK_API_VERSION_1_2, VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME))
      chain.add(narrow, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
    vk_.vkGetPhysicalDeviceFeatures2(device_, chain.get());
    out_.fp16 = narrow.shaderFloat16 != 0;
    out_.int8 = narrow.shaderInt8 != 0;
    out_.bf16 = extensions_.contains(VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME);
    out_.host_pointer_import = extensions_.contains(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  }

  void memory() {
    Chain<VkPhysicalDeviceMemoryProperties2> chain(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{};
    if (extensions_.contains(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME))
      chain.add(budget, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    vk_.vkGetPhysicalDeviceMemoryProperties2(device_, chain.get());

    const VkPhysicalDeviceMemoryProperties& found = chain.get()->memoryProperties;
    for (uint32_t h = 0; h < std::min<uint32_t>(found.memoryHeapCount, VK_MAX_MEMORY_HEAPS); ++h)
      out_.heaps.push_back(
          {.bytes = found.memoryHeaps[h].size,
           .budget = budget.heapBudget[h],
           .device_local = (found.memoryHeaps[h].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0});
    for (uint32_t t = 0; t < std::min<uint32_t>(found.memoryTypeCount, VK_MAX_MEMORY_TYPES); ++t)
      if (const VkMemoryType& type = found.memoryTypes[t];
          type.heapIndex < out_.heaps.size() && (type.propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
        out_.heaps[type.heapIndex].host_visible = true;
  }

  void cooperative_matrices() {
    if (!extensions_.contains(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) return;
    const auto get = vk_.load<PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR>(
        "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    uint32_t n = 0;
    if (!get || get(device_, &n, nullptr) != VK_SUCCESS) return;
    VkCooperativeMatrixPropertiesKHR empty{};
    empty.sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    std::vector<VkCooperativeMatrixPropertiesKHR> found(n, empty);
    if (get(device_, &n, found.data()) < 0) return;
    found.resize(std::min<size_t>(n, found.size()));
    for (const auto& m : found)
      out_.cooperative_matrices.push_back({.m = m.MSize,
                                           .n = m.NSize,
                                           .k = m.KSize,
                                           .a = component(m.AType),
                                           .b = component(m.BType),
                                           .c = component(m.CType),
                                           .result = component(m.ResultType),
                                           .scope = std::string(scope(m.scope)),
                                           .saturating = m.saturatingAccumulation != 0});
  }

  const Instance& vk_;
  VkPhysicalDevice device_;
  uint32_t version_ = 0;
  std::set<std::string, std::less<>> extensions_;
  VulkanDevice out_;
};

}  // namespace

Result<std::vector<VulkanDevice>> ask_drivers(const std::string& loader) {
  TRY(const Instance vk, Instance::create(loader));
  uint32_t n = 0;
  if (const VkResult result = vk.vkEnumeratePhysicalDevices(vk.handle(), &n, nullptr); result != VK_SUCCESS)
    return fail("vkEnumeratePhysicalDevices failed with {}", static_cast<int>(result));
  std::vector<VkPhysicalDevice> handles(n);
  if (vk.vkEnumeratePhysicalDevices(vk.handle(), &n, handles.data()) < 0)
    return fail("vkEnumeratePhysicalDevices failed");
  handles.resize(std::min<size_t>(n, handles.size()));
  std::vector<VulkanDevice> devices;
  for (VkPhysicalDevice handle : handles) devices.push_back(Query(vk, handle).run());
  vk.vkDestroyInstance(vk.handle(), nullptr);
  return devices;
}

}  // namespace halcyon::devices
