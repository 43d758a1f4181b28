// GPUs as the kernel shows them: cards of DRM, and nodes of KFD, which ROCm computes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/system_root.h"

namespace halcyon::devices {

struct Card {
  std::string name;                               ///< "card0"
  std::string driver;                             ///< "amdgpu"; empty: unknown
  std::string pci_id;                             ///< "1002:1586"; empty: unknown
  std::optional<int> render;                      ///< minor of its render node: 128 for /dev/dri/renderD128
  std::optional<uint64_t> vram_total, vram_used;  ///< bytes; of an APU: what the BIOS set aside for it
  std::optional<uint64_t> gtt_total, gtt_used;    ///< bytes of the system's memory that it can map
  std::string vbios;                              ///< empty: unknown
  std::string firmware;  ///< of its processors: "mec 0x00000020, rlc 0x11530505, …"; empty: unknown
};

/// The cards of /sys/class/drm.
std::vector<Card> read_cards(const SystemRoot& root);

struct KfdNode {
  int node = 0;
  std::string gfx;  ///< "gfx1151"
  int simds = 0;
  std::optional<int> render;  ///< as in Card
  uint64_t memory_bytes = 0;  ///< of its memory banks
};

/// The GPUs among the nodes of KFD's topology.
std::vector<KfdNode> read_kfd_nodes(const SystemRoot& root);

/// "gfx1151" from 110501.
std::string gfx_target(int64_t version);

/// Whether a GPU of this target shares the processor's memory.
bool is_apu(std::string_view gfx);

}  // namespace halcyon::devices
