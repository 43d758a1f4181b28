// All that is known of this machine: what it can run models on, with how much memory, under which versions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/system_root.h"
#include "devices/bandwidth.h"
#include "devices/cpu.h"
#include "devices/environment.h"
#include "devices/gpu.h"
#include "devices/memory.h"
#include "devices/vulkan.h"

namespace halcyon::devices {

inline constexpr uint32_t kVendorAmd = 0x1002;  // PCI

struct Machine {
  Cpu cpu;
  Memory memory;
  std::vector<Card> cards;
  std::vector<KfdNode> kfd;
  Environment environment;
  std::map<std::string, std::string> versions;  ///< current_versions()

  std::optional<std::vector<VulkanDevice>> vulkan;  ///< empty: not asked, or `vulkan_error` says why
  std::string vulkan_error;
  std::optional<Bandwidth> bandwidth;  ///< empty: not measured
};

/// What files say; drivers are not asked and nothing is measured.
Machine read_machine(const SystemRoot& root);

/// The target of a card's GPU, "gfx1151"; empty if KFD doesn't know it.
std::string gfx_of(const Machine& machine, const Card& card);

/// Whether a card's GPU shares the processor's memory, as far as its target tells.
bool is_apu(const Machine& machine, const Card& card);

}  // namespace halcyon::devices
