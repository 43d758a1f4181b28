#include "devices/machine.h"

#include "devices/versions.h"

namespace halcyon::devices {

Machine read_machine(const SystemRoot& root) {
  return {.cpu = read_cpu(root),
          .memory = read_memory(root),
          .cards = read_cards(root),
          .kfd = read_kfd_nodes(root),
          .environment = read_environment(root),
          .versions = current_versions(root),
          .vulkan = {},
          .vulkan_error = {},
          .bandwidth = {}};
}

std::string gfx_of(const Machine& machine, const Card& card) {
  for (const KfdNode& node : machine.kfd)
    if (node.render && node.render == card.render) return node.gfx;
  return "";
}

bool is_apu(const Machine& machine, const Card& card) { return is_apu(gfx_of(machine, card)); }

}  // namespace halcyon::devices
