#include "devices/models.h"

#include <algorithm>

namespace halcyon::devices {
namespace {

struct Format {
  std::string_view name;
  double bits_per_weight;  // of a whole file: embeddings and norms are wider than the rest
};
constexpr Format kCommon[] = {{"Q4_K_M", 4.86}, {"Q8_0", 8.51}};
constexpr Format kMxfp4[] = {{"MXFP4", 4.34}};
constexpr Format kMxfp4Small[] = {{"MXFP4", 4.63}};  // more of it is not in the experts

struct Model {
  std::string_view name;
  double parameters;  // billions
  int kv_layers, kv_heads, head_dim;
  std::span<const Format> formats = kCommon;
};

// From the models' cards and config.json. Layers with a sliding window are counted as if they had none.
constexpr Model kModels[] = {
    {"Llama 3.2 1B", 1.24, 16, 8, 64},
    {"Qwen3 4B", 4.02, 36, 8, 128},
    {"Llama 3.1 8B", 8.03, 32, 8, 128},
    {"Qwen3 14B", 14.77, 40, 8, 128},
    {"gpt-oss 20B", 20.9, 24, 8, 64, kMxfp4Small},
    {"Gemma 3 27B", 27.0, 62, 16, 128},
    {"Qwen3 30B-A3B", 30.5, 48, 4, 128},
    {"Qwen3 32B", 32.8, 64, 8, 128},
    {"Llama 3.3 70B", 70.6, 80, 8, 128},
    {"gpt-oss 120B", 116.8, 36, 8, 64, kMxfp4},
    {"Qwen3 235B-A22B", 235.1, 94, 4, 128},
};

constexpr uint64_t kWorkspace = 512ull << 20;  // activations, code and tables

}  // namespace

uint64_t system_reserve(uint64_t memory) { return std::clamp<uint64_t>(memory / 8, 2ull << 30, 16ull << 30); }

std::vector<Place> places(const Machine& machine) {
  const Memory& memory = machine.memory;
  const uint64_t left = memory.total - std::min(memory.total, system_reserve(memory.total));
  std::vector<Place> all{{"CPU", std::min(left, memory.limit.value_or(left))}};
  bool has_amdgpu = false;
  for (const Card& card : machine.cards) {
    if (card.vram_total) all.push_back({card.name + " VRAM", *card.vram_total});
    if (card.gtt_total) all.push_back({card.name + " GTT", *card.gtt_total});
    has_amdgpu |= card.vram_total.has_value();
  }
  if (machine.vulkan)
    for (const VulkanDevice& device : *machine.vulkan) {
      const bool shown = has_amdgpu && device.vendor_id == kVendorAmd;
      if (device.type != "cpu" && !shown) all.push_back({device.name, device_memory(device)});
    }
  return all;
}

Fits model_fits(const Machine& machine, int context) {
  Fits found{.context = context, .places = places(machine), .models = {}};
  for (const Model& model : kModels)
    for (const Format& format : model.formats) {
      ModelFit fit{.model = model.name,
                   .format = format.name,
                   .weights = static_cast<uint64_t>(model.parameters * 1e9 * format.bits_per_weight / 8),
                   .cache = uint64_t{2} * 2 * static_cast<uint64_t>(model.kv_layers) *
                            static_cast<uint64_t>(model.kv_heads) * static_cast<uint64_t>(model.head_dim) *
                            static_cast<uint64_t>(context),
                   .fits = {}};
      for (const Place& place : found.places)
        fit.fits.push_back(fit.weights + fit.cache + kWorkspace <= place.bytes);
      found.models.push_back(std::move(fit));
    }
  return found;
}

}  // namespace halcyon::devices
