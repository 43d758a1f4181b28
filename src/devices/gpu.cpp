#include "devices/gpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "devices/text.h"

namespace halcyon::devices {
namespace {

std::optional<int> number_after(std::string_view text, std::string_view prefix) {
  int number = 0;
  if (!text.starts_with(prefix)) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data() + prefix.size(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<uint64_t> bytes_in(const SystemRoot& root, const std::string& path) {
  const auto number = root.number(path);
  return number && *number >= 0 ? std::optional(static_cast<uint64_t>(*number)) : std::nullopt;
}

/// Files "mec_fw_version" with a number in hexadecimal; processors that are not there have 0.
std::string firmware(const SystemRoot& root, const std::string& folder) {
  constexpr std::string_view kSuffix = "_fw_version";
  std::vector<std::string> found;
  for (const std::string& name : root.names(folder)) {
    const std::string version = root.text(folder + "/" + name).value_or("");
    if (name.ends_with(kSuffix) && version.find_first_not_of("0x") != version.npos)
      found.push_back(name.substr(0, name.size() - kSuffix.size()) + " " + version);
  }
  return fmt::format("{}", fmt::join(found, ", "));
}

}  // namespace

std::vector<Card> read_cards(const SystemRoot& root) {
  std::vector<Card> cards;
  for (const std::string& name : root.names("/sys/class/drm")) {
    if (!number_after(name, "card")) continue;  // "card0-HDMI-A-1"
    const std::string device = "/sys/class/drm/" + name + "/device";
    Card card;
    card.name = name;
    for (const auto& [key, value] : key_values(root.text(device + "/uevent").value_or(""), '=')) {
      if (key == "DRIVER") card.driver = value;
      if (key == "PCI_ID") card.pci_id = value;
    }
    for (const std::string& node : root.names(device + "/drm"))
      if (const auto minor = number_after(node, "renderD")) card.render = minor;
    card.vram_total = bytes_in(root, device + "/mem_info_vram_total");
    card.vram_used = bytes_in(root, device + "/mem_info_vram_used");
    card.gtt_total = bytes_in(root, device + "/mem_info_gtt_total");
    card.gtt_used = bytes_in(root, device + "/mem_info_gtt_used");
    card.vbios = root.text(device + "/vbios_version").value_or("");
    card.firmware = firmware(root, device + "/fw_version");
    cards.push_back(std::move(card));
  }
  return cards;
}

std::vector<KfdNode> read_kfd_nodes(const SystemRoot& root) {
  constexpr std::string_view kNodes = "/sys/class/kfd/kfd/topology/nodes";
  std::vector<KfdNode> nodes;
  for (const std::string& name : root.names(kNodes)) {
    const auto number = number_after(name, "");
    if (!number) continue;
    const std::string folder = fmt::format("{}/{}", kNodes, name);
    KfdNode node;
    node.node = *number;
    int64_t target = 0;
    for (const auto& [key, text] : key_values(root.text(folder + "/properties").value_or(""), ' ')) {
      int64_t value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      if (key == "gfx_target_version") target = value;
      if (key == "simd_count") node.simds = static_cast<int>(value);
      if (key == "drm_render_minor" && value > 0) node.render = static_cast<int>(value);
    }
    if (target <= 0) continue;  // a processor
    node.gfx = gfx_target(target);
    for (const std::string& bank : root.names(folder + "/mem_banks"))
      for (const auto& [key, text] :
           key_values(root.text(fmt::format("{}/mem_banks/{}/properties", folder, bank)).value_or(""), ' '))
        if (uint64_t bytes = 0; key == "size_in_bytes") {
          std::from_chars(text.data(), text.data() + text.size(), bytes);
          node.memory_bytes += bytes;
        }
    nodes.push_back(std::move(node));
  }
  std::ranges::sort(nodes, {}, &KfdNode::node);
  return nodes;
}

std::string gfx_target(int64_t version) {
  return fmt::format("gfx{}{:x}{:x}", version / 10000, version / 100 % 100, version % 100);
}

bool is_apu(std::string_view gfx) {
  // LLVM, "User Guide for AMDGPU Backend", table of processors: those that are APUs only.
  static constexpr std::array<std::string_view, 12> kApus{"gfx902",  "gfx909",  "gfx90c",  "gfx1013",
                                                          "gfx1033", "gfx1035", "gfx1036", "gfx1103",
                                                          "gfx1150", "gfx1151", "gfx1152", "gfx1153"};
  return std::ranges::find(kApus, gfx) != kApus.end();
}

}  // namespace halcyon::devices
