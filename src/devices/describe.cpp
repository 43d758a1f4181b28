#include "devices/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ranges>

#include "base/quote.h"

namespace halcyon::devices {
namespace {

constexpr size_t kLabel = 11;  // columns
constexpr size_t kLine = 100;

/// A text that is not ours, without what a terminal would obey.
std::string printable(std::string_view text, size_t longest = 200) {
  const std::string in_quotes = quote(text, longest);
  return in_quotes.substr(1, in_quotes.size() - 2);
}

std::string size(uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return fmt::format("{:.{}f} {}", value, unit == 0 || value >= 99.95 || value == std::floor(value) ? 0 : 1,
                     kUnits[unit]);
}

/// A line with a label in front, or with none.
std::string line(std::string_view label, std::string_view text) {
  return fmt::format("{:<{}}{}\n", label, kLabel, text);
}

/// Words in lines of some length, each with a margin.
std::string wrapped(std::string_view text, size_t margin) {
  std::string out(margin, ' ');
  size_t column = margin;
  for (const auto part : std::views::split(text, ' ')) {
    const std::string_view word(part.begin(), part.end());
    if (column > margin && column + 1 + word.size() > kLine) {
      out += '\n' + std::string(margin, ' ');
      column = margin;
    }
    if (column > margin) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out + '\n';
}

std::string cpu_text(const Machine& machine) {
  const Cpu& cpu = machine.cpu;
  std::string text =
      line("CPU", fmt::format("{}: {} socket{}, {} core{}, {} thread{}",
                              cpu.name.empty() ? "unknown" : printable(cpu.name), cpu.sockets,
                              cpu.sockets == 1 ? "" : "s", cpu.cores, cpu.cores == 1 ? "" : "s", cpu.threads,
                              cpu.threads == 1 ? "" : "s"));
  if (!cpu.isa.empty()) text += line("", fmt::format("{}", fmt::join(cpu.isa, ", ")));
  std::vector<std::string> caches;
  for (const Cache& cache : cpu.caches)
    if (cache.type != "Instruction")
      caches.push_back(fmt::format("L{} {} × {}", cache.level, cache.count, size(cache.bytes)));
  if (!caches.empty()) text += line("", "caches: " + fmt::format("{}", fmt::join(caches, ", ")));
  if (const auto& b = machine.bandwidth) {
    const auto [least, most] = std::ranges::minmax(b->runs);
    text +=
        line("", fmt::format("reads {:.1f} GB/s (measured: {} thread{}, {}, median of {}, {:.1f} to {:.1f})",
                             b->bytes_per_second / 1e9, b->threads, b->threads == 1 ? "" : "s",
                             size(b->bytes), b->runs.size(), least / 1e9, most / 1e9));
  }
  return text;
}

std::string memory_text(const Memory& memory) {
  std::string text = fmt::format("{}, {} available", size(memory.total), size(memory.available));
  if (memory.limit) text += fmt::format(", limited to {}", size(*memory.limit));
  text += memory.swap_total == 0 ? ", no swap"
                                 : fmt::format(", swap {} of which {} used", size(memory.swap_total),
                                               size(memory.swap_total - memory.swap_free));
  return line("Memory", text);
}

std::string card_text(const Machine& machine, const Card& card) {
  const std::string gfx = gfx_of(machine, card);
  std::string text = card.driver.empty() ? "unknown driver" : printable(card.driver);
  if (!card.pci_id.empty()) text += ", " + printable(card.pci_id);
  if (!gfx.empty()) text += ", " + gfx + (is_apu(gfx) ? " (shares the processor's memory)" : "");
  std::string out = line(card.name, text);
  std::vector<std::string> memory;
  const auto add = [&](std::string_view name, const std::optional<uint64_t>& total, const auto& used) {
    if (total) memory.push_back(fmt::format("{} {}, {} used", name, size(*total), size(used.value_or(0))));
  };
  add(is_apu(gfx) ? "VRAM (UMA carve-out)" : "VRAM", card.vram_total, card.vram_used);
  add("GTT", card.gtt_total, card.gtt_used);
  if (!memory.empty()) out += line("", fmt::format("{}", fmt::join(memory, "; ")));
  return out;
}

std::string kfd_text(const KfdNode& node) {
  return line(fmt::format("KFD {}", node.node), fmt::format("{}, {} SIMDs, {} in its memory banks", node.gfx,
                                                            node.simds, size(node.memory_bytes)));
}

std::string shapes(const VulkanDevice& device) {
  std::vector<std::string> all;
  for (const CooperativeMatrix& m : device.cooperative_matrices) {
    std::string shape = fmt::format("{}×{}×{} {}·{}+{}→{}", m.m, m.n, m.k, printable(m.a), printable(m.b),
                                    printable(m.c), printable(m.result));
    if (std::ranges::find(all, shape) == all.end()) all.push_back(std::move(shape));
  }
  constexpr size_t kMost = 6;
  const size_t more = all.size() - std::min(all.size(), kMost);
  all.resize(all.size() - more);
  return fmt::format("{}", fmt::join(all, ", ")) + (more ? fmt::format(", and {} more", more) : "");
}

std::string vulkan_text(const VulkanDevice& device, size_t index) {
  std::string text =
      line(fmt::format("Vulkan {}", index),
           fmt::format("{} ({}), Vulkan {}", printable(device.name), device.type, device.api_version));
  text += line("", fmt::format("driver {} {}", printable(device.driver), printable(device.driver_version)));
  for (size_t i = 0; i < device.heaps.size(); ++i) {
    const VulkanHeap& heap = device.heaps[i];
    std::string what = fmt::format("heap {}: {}", i, size(heap.bytes));
    if (heap.device_local) what += ", on the device";
    if (heap.host_visible) what += ", visible to the CPU";
    if (heap.budget) what += fmt::format(", {} free for us", size(heap.budget));
    text += line("", what);
  }
  std::vector<std::string> limits;
  if (device.max_memory_allocation_size)
    limits.push_back("one allocation up to " + size(device.max_memory_allocation_size));
  if (device.max_buffer_size) limits.push_back("one buffer up to " + size(device.max_buffer_size));
  limits.push_back("one binding up to " + size(device.max_storage_buffer_range));
  text += line("", fmt::format("{}", fmt::join(limits, ", ")));
  const auto yes = [](bool has) { return has ? "yes" : "no"; };
  const bool fixed = device.min_subgroup_size == device.max_subgroup_size;
  text += line(
      "", fmt::format("subgroups of {}; integer dot product {}; fp16 {}, int8 {}, bf16 {}; "
                      "host memory import {}",
                      fixed ? fmt::to_string(device.subgroup_size)
                            : fmt::format("{} to {}", device.min_subgroup_size, device.max_subgroup_size),
                      device.integer_dot_product ? "in hardware" : "not in hardware", yes(device.fp16),
                      yes(device.int8), yes(device.bf16), yes(device.host_pointer_import)));
  text += line("", "cooperative matrices: " +
                       (device.cooperative_matrices.empty() ? std::string("none") : shapes(device)));
  return text;
}

std::string system_text(const Machine& machine) {
  const Environment& env = machine.environment;
  std::string text = "Linux " + printable(env.kernel);
  if (env.wsl) text += fmt::format(", in WSL{}", env.dxg ? " (GPUs through /dev/dxg)" : "");
  if (!env.container.empty()) text += ", in a container (" + printable(env.container) + ")";
  std::string out = line("System", text);
  std::vector<std::string> versions;
  for (const auto& [name, version] : machine.versions)
    if (name != "kernel" && name != "cpu") versions.push_back(printable(name + " " + version));
  if (!versions.empty()) out += line("", fmt::format("{}", fmt::join(versions, ", ")));
  if (env.pages_limit)
    out += line("", fmt::format("ttm.pages_limit {} ({}), page_pool_size {}", *env.pages_limit,
                                size(*env.pages_limit * 4096),
                                env.page_pool_size ? fmt::to_string(*env.page_pool_size) : "unknown"));
  for (const ModuleOption& o : env.module_options)
    out += line("", fmt::format("{}.{}={} on {}", printable(o.module), printable(o.name), printable(o.value),
                                printable(o.origin)));
  return out;
}

std::string findings_text(const std::vector<Finding>& findings) {
  if (findings.empty()) return "\nNothing is in the way.\n";
  std::string text = "\nFindings\n";
  for (const Finding& f : findings) {
    text += wrapped(fmt::format("{}: {}.", f.level == Finding::Level::problem ? "Problem" : "Hint",
                                printable(f.what, 2000)),
                    2);
    text += wrapped("→ " + f.advice, 4);
    for (const std::string& setting : f.settings) text += "        " + setting + '\n';
    if (!f.source.empty()) text += "    " + f.source + '\n';
  }
  return text;
}

std::string fits_text(const Fits& fits) {
  std::string text = fmt::format(
      "\nWhat fits, estimated from bits per weight, with keys and values in 16 bits for {} tokens\n",
      fits.context);
  std::vector<size_t> widths;
  text += fmt::format("  {:<17}{:<8}{:>10}{:>10}", "", "", "file", "cache");
  for (const Place& place : fits.places) {
    const std::string title = fmt::format("{} {}", printable(place.name), size(place.bytes));
    widths.push_back(title.size() + 2);
    text += fmt::format("{:>{}}", title, widths.back());
  }
  text += '\n';
  for (const ModelFit& fit : fits.models) {
    text +=
        fmt::format("  {:<17}{:<8}{:>10}{:>10}", fit.model, fit.format, size(fit.weights), size(fit.cache));
    for (size_t i = 0; i < widths.size(); ++i)
      text += fmt::format("{:>{}}", fit.fits[i] ? "yes" : "-", widths[i]);
    text += '\n';
  }
  return text;
}

}  // namespace

std::string to_text(const Machine& machine, const std::vector<Finding>& findings, const Fits& fits) {
  std::string text = cpu_text(machine) + memory_text(machine.memory);
  for (const Card& card : machine.cards) text += card_text(machine, card);
  for (const KfdNode& node : machine.kfd) text += kfd_text(node);
  if (machine.vulkan) {
    for (size_t i = 0; i < machine.vulkan->size(); ++i) text += vulkan_text((*machine.vulkan)[i], i);
    if (machine.vulkan->empty()) text += line("Vulkan", "no device");
  } else if (!machine.vulkan_error.empty()) {
    text += line("Vulkan", printable(machine.vulkan_error));
  }
  return text + system_text(machine) + findings_text(findings) + fits_text(fits);
}

}  // namespace halcyon::devices
