#include <nlohmann/json.hpp>

#include "devices/describe.h"

namespace halcyon::devices {
namespace {

using nlohmann::json;

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json known(const std::string& text) { return text.empty() ? json() : json(text); }

json list(const auto& items, auto&& convert) {
  json out = json::array();
  for (const auto& item : items) out.push_back(convert(item));
  return out;
}

json cpu_json(const Machine& machine) {
  const Cpu& cpu = machine.cpu;
  json out{{"name", known(cpu.name)},
           {"sockets", cpu.sockets},
           {"cores", cpu.cores},
           {"threads", cpu.threads},
           {"isa", cpu.isa},
           {"governor", known(cpu.governor)},
           {"frequency_driver", known(cpu.driver)},
           {"read_bandwidth", nullptr}};
  out["caches"] = list(cpu.caches, [](const Cache& cache) {
    return json{{"level", cache.level}, {"type", cache.type}, {"bytes", cache.bytes}, {"count", cache.count}};
  });
  if (machine.bandwidth)
    out["read_bandwidth"] = {{"measured", true},
                             {"bytes_per_second", machine.bandwidth->bytes_per_second},
                             {"runs", machine.bandwidth->runs},
                             {"threads", machine.bandwidth->threads},
                             {"bytes", machine.bandwidth->bytes}};
  return out;
}

json memory_json(const Memory& memory) {
  return {{"total", memory.total},          {"available", memory.available},
          {"limit", or_null(memory.limit)}, {"swap_total", memory.swap_total},
          {"swap_free", memory.swap_free},  {"huge_pages", known(memory.huge_pages)}};
}

json environment_json(const Environment& env) {
  json out{
      {"kernel", known(env.kernel)},
      {"wsl", env.wsl},
      {"dxg", env.dxg},
      {"container", known(env.container)},
      {"ttm", {{"pages_limit", or_null(env.pages_limit)}, {"page_pool_size", or_null(env.page_pool_size)}}}};
  out["module_options"] = list(env.module_options, [](const ModuleOption& o) {
    return json{{"module", o.module}, {"name", o.name}, {"value", o.value}, {"origin", o.origin}};
  });
  return out;
}

json fits_json(const Fits& fits) {
  json out{{"estimated", true}, {"context", fits.context}};
  out["places"] = list(fits.places, [](const Place& p) {
    return json{{"name", p.name}, {"bytes", p.bytes}};
  });
  out["models"] = list(fits.models, [](const ModelFit& fit) {
    return json{{"model", fit.model},
                {"format", fit.format},
                {"weights", fit.weights},
                {"cache", fit.cache},
                {"fits", fit.fits}};
  });
  return out;
}

}  // namespace

json to_json(const Machine& machine, const std::vector<Finding>& findings, const Fits& fits) {
  json out{{"cpu", cpu_json(machine)},
           {"memory", memory_json(machine.memory)},
           {"environment", environment_json(machine.environment)},
           {"versions", machine.versions},
           {"vulkan", {{"error", known(machine.vulkan_error)}, {"devices", nullptr}}},
           {"fits", fits_json(fits)}};
  if (machine.vulkan) out["vulkan"]["devices"] = list(*machine.vulkan, vulkan_json);
  out["cards"] = list(machine.cards, [&](const Card& card) {
    const std::string gfx = gfx_of(machine, card);
    return json{{"name", card.name},
                {"driver", known(card.driver)},
                {"pci_id", known(card.pci_id)},
                {"gfx", known(gfx)},
                {"apu", gfx.empty() ? json() : json(is_apu(gfx))},
                {"vram_total", or_null(card.vram_total)},
                {"vram_used", or_null(card.vram_used)},
                {"gtt_total", or_null(card.gtt_total)},
                {"gtt_used", or_null(card.gtt_used)},
                {"vbios", known(card.vbios)},
                {"firmware", known(card.firmware)}};
  });
  out["kfd"] = list(machine.kfd, [](const KfdNode& node) {
    return json{{"node", node.node},
                {"gfx", node.gfx},
                {"simds", node.simds},
                {"render_minor", or_null(node.render)},
                {"memory_bytes", node.memory_bytes}};
  });
  out["findings"] = list(findings, [](const Finding& f) {
    return json{{"level", name_of(f.level)},
                {"id", f.id},
                {"what", f.what},
                {"advice", f.advice},
                {"settings", f.settings},
                {"source", known(f.source)}};
  });
  return out;
}

}  // namespace halcyon::devices
