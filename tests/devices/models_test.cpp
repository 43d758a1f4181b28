#include "devices/models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/devices/fake_machine.h"

namespace halcyon::devices {
namespace {

using test::FakeMachine;
using test::kGiB;

ModelFit row(const Fits& fits, std::string_view model, std::string_view format) {
  return *std::ranges::find_if(fits.models,
                               [&](const ModelFit& f) { return f.model == model && f.format == format; });
}

TEST(Models, SizesAreThoseOfRealFiles) {
  const Fits fits = model_fits(read_machine(FakeMachine::server().root()));
  const auto near = [&](std::string_view model, std::string_view format, double gib) {
    EXPECT_NEAR(static_cast<double>(row(fits, model, format).weights) / kGiB, gib, 0.02 * gib) << model;
  };
  near("Qwen3 30B-A3B", "Q4_K_M", 17.28);  // the file of case study A
  near("Llama 3.1 8B", "Q4_K_M", 4.58);
  near("Llama 3.1 8B", "Q8_0", 7.95);
  near("gpt-oss 120B", "MXFP4", 59.02);
  near("gpt-oss 20B", "MXFP4", 11.27);
}

TEST(Models, TheCacheGrowsWithTheContext) {
  const Machine machine = read_machine(FakeMachine::server().root());
  // Llama 3.1 8B: 2 (keys, values) × 2 bytes × 32 layers × 8 heads × 128 = 128 KiB a token.
  EXPECT_EQ(row(model_fits(machine, 8192), "Llama 3.1 8B", "Q8_0").cache, kGiB);
  EXPECT_EQ(row(model_fits(machine, 131072), "Llama 3.1 8B", "Q8_0").cache, 16 * kGiB);
}

TEST(Models, ASettingDecidesWhatFitsOnAStrixHalo) {
  const Fits before = model_fits(read_machine(FakeMachine::strix_halo().root()));
  ASSERT_EQ(before.places.size(), 3u);
  EXPECT_EQ(before.places[0].name, "CPU");
  EXPECT_EQ(before.places[1].name, "card1 VRAM");
  EXPECT_EQ(before.places[2].name, "card1 GTT");
  EXPECT_TRUE(row(before, "Qwen3 30B-A3B", "Q4_K_M").fits[2]);
  EXPECT_FALSE(row(before, "Llama 3.3 70B", "Q8_0").fits[2]);
  EXPECT_FALSE(row(before, "Llama 3.2 1B", "Q4_K_M").fits[1]);  // 512 MiB

  const Fits after = model_fits(read_machine(FakeMachine::strix_halo(kGiB / 2, 109 * kGiB).root()));
  EXPECT_TRUE(row(after, "Llama 3.3 70B", "Q8_0").fits[2]);
  EXPECT_FALSE(row(after, "Qwen3 235B-A22B", "Q4_K_M").fits[2]);
}

TEST(Models, TheSystemKeepsItsShare) {
  EXPECT_EQ(system_reserve(8 * kGiB), 2 * kGiB);
  EXPECT_EQ(system_reserve(64 * kGiB), 8 * kGiB);
  EXPECT_EQ(system_reserve(512 * kGiB), 16 * kGiB);
  EXPECT_EQ(places(Machine{})[0].bytes, 0u);
  EXPECT_EQ(places(read_machine(FakeMachine::container().root()))[0].bytes, 16 * kGiB);  // its limit
}

TEST(Models, OtherGpusAreKnownByTheirVulkanHeaps) {
  Machine machine = read_machine(FakeMachine::server().root());
  machine.vulkan = {
      VulkanDevice{.name = "a GPU",
                   .type = "discrete",
                   .vendor_id = 0x10de,
                   .heaps = {{.bytes = 24 * kGiB, .device_local = true}, {.bytes = 100 * kGiB}}},
      VulkanDevice{.name = "llvmpipe", .type = "cpu", .heaps = {{.bytes = 8 * kGiB, .device_local = true}}}};
  const std::vector<Place> all = places(machine);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].name, "a GPU");
  EXPECT_EQ(all[1].bytes, 24 * kGiB);
}

}  // namespace
}  // namespace halcyon::devices
