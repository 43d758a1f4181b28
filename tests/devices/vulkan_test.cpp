// Vulkan, against whatever device is here: lavapipe is one that any machine can have.
#include "devices/vulkan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/support.h"

namespace halcyon::devices {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

TEST(Vulkan, SaysWhatADeviceIsAndCanHold) {
  const auto devices = query_vulkan();
  if (!devices) GTEST_SKIP() << "no Vulkan here: " << devices.error().message;
  if (devices->empty()) GTEST_SKIP() << "no Vulkan device: install mesa-vulkan-drivers";
  for (const VulkanDevice& device : *devices) {
    EXPECT_NE(device.name, "");
    EXPECT_THAT(device.type, AnyOf("integrated", "discrete", "virtual", "cpu", "other"));
    EXPECT_NE(device.driver, "");
    EXPECT_NE(device.driver_version, "");
    EXPECT_GT(device_memory(device), 0u);
    EXPECT_GT(device.max_memory_allocation_size, 0u);
    EXPECT_GE(device.max_storage_buffer_range, 1u << 27);  // what Vulkan guarantees
    EXPECT_GT(device.subgroup_size, 0u);
    EXPECT_LE(device.min_subgroup_size, device.subgroup_size);
    EXPECT_GE(device.max_subgroup_size, device.subgroup_size);
  }
}

TEST(Vulkan, WithoutALoaderSaysSo) {
  EXPECT_ERROR(
      query_vulkan({.loader = "libno-such-vulkan.so.1"}),
      HasSubstr("there is no Vulkan loader (libno-such-vulkan.so.1); on Debian, install libvulkan1"));
  EXPECT_ERROR(query_vulkan({.loader = "libc.so.6"}), HasSubstr("is no Vulkan loader"));
}

TEST(Vulkan, ADriverThatHangsIsAnError) {
  EXPECT_ERROR(query_vulkan({.limit = std::chrono::milliseconds(0)}), HasSubstr("no answer within"));
}

TEST(Vulkan, JsonHasEveryMember) {
  const VulkanDevice device{
      .name = "a",
      .heaps = {{.bytes = 5, .budget = 4, .device_local = true, .host_visible = true}},
      .integer_dot_product = true,
      .cooperative_matrices = {{16, 16, 16, "f16", "f16", "f32", "f32", "subgroup", false}}};
  const nlohmann::json document = vulkan_json(device);
  EXPECT_EQ(document["heaps"][0]["budget"], 4);
  EXPECT_EQ(document["integer_dot_product"], true);
  EXPECT_EQ(document["cooperative_matrices"][0]["c"], "f32");
  EXPECT_EQ(device_memory(device), 5u);
}

}  // namespace
}  // namespace halcyon::devices
