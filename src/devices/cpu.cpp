#include "devices/cpu.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "devices/text.h"

namespace halcyon::devices {
namespace {

constexpr std::string_view kCpus = "/sys/devices/system/cpu";

/// Flags of /proc/cpuinfo (x86 `flags`, ARM `Features`), and what people call them.
constexpr std::pair<std::string_view, std::string_view> kIsa[] = {
    {"avx2", "AVX2"},
    {"f16c", "F16C"},
    {"avx_vnni", "AVX-VNNI"},
    {"avx512f", "AVX-512"},
    {"avx512_vnni", "AVX-512 VNNI"},
    {"avx512_bf16", "AVX-512 BF16"},
    {"avx512_fp16", "AVX-512 FP16"},
    {"amx_int8", "AMX-INT8"},
    {"amx_bf16", "AMX-BF16"},
    {"asimddp", "NEON dot product"},
    {"i8mm", "I8MM"},
    {"bf16", "BF16"},
    {"sve", "SVE"},
    {"sme", "SME"},
};

/// "32K", "1024K", "32M".
uint64_t size_of(std::string_view text) {
  uint64_t size = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc()) return 0;
  const std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  return unit == "K" ? size << 10 : unit == "M" ? size << 20 : size;
}

bool is_numbered(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && name.size() > prefix.size() &&
         name.find_first_not_of("0123456789", prefix.size()) == name.npos;
}

/// Each cache once, however many CPUs share it.
std::vector<Cache> read_caches(const SystemRoot& root) {
  std::map<std::pair<int, std::string>, Cache> found;
  std::set<std::string> seen;
  for (const std::string& cpu : root.names(kCpus)) {
    if (!is_numbered(cpu, "cpu")) continue;
    const std::string folder = fmt::format("{}/{}/cache", kCpus, cpu);
    for (const std::string& index : root.names(folder)) {
      if (!is_numbered(index, "index")) continue;
      const auto text = [&](std::string_view file) {
        return root.text(fmt::format("{}/{}/{}", folder, index, file)).value_or("");
      };
      const int level = static_cast<int>(root.number(fmt::format("{}/{}/level", folder, index)).value_or(0));
      const std::string type = text("type"), shared = text("shared_cpu_list");
      if (level < 1 || !seen.insert(fmt::format("{}/{}/{}", level, type, shared)).second) continue;
      Cache& cache = found[{level, type}];
      cache = {level, type, std::max(cache.bytes, size_of(text("size"))), cache.count + 1};
    }
  }
  std::vector<Cache> caches;
  for (const auto& [key, cache] : found) caches.push_back(cache);
  return caches;
}

}  // namespace

Cpu read_cpu(const SystemRoot& root) {
  Cpu cpu;
  std::set<std::string> sockets, cores;
  std::string socket = "0";
  std::set<std::string, std::less<>> flags;
  for (const auto& [key, value] : key_values(root.text("/proc/cpuinfo").value_or(""), ':')) {
    if (key == "processor") ++cpu.threads;
    if (key == "model name" && cpu.name.empty()) cpu.name = value;
    if (key == "microcode" && cpu.microcode.empty()) cpu.microcode = value;
    if (key == "physical id") sockets.insert(socket = value);
    if (key == "core id") cores.insert(socket + "/" + value);
    if ((key == "flags" || key == "Features") && flags.empty())
      for (const std::string& flag : words(value)) flags.insert(flag);
  }
  cpu.sockets = std::max<int>(cpu.threads > 0, static_cast<int>(sockets.size()));
  cpu.cores = cores.empty() ? cpu.threads : static_cast<int>(cores.size());
  for (const auto& [flag, name] : kIsa)
    if (flags.contains(flag)) cpu.isa.emplace_back(name);
  cpu.caches = read_caches(root);
  cpu.governor = root.text(fmt::format("{}/cpu0/cpufreq/scaling_governor", kCpus)).value_or("");
  cpu.driver = root.text(fmt::format("{}/cpu0/cpufreq/scaling_driver", kCpus)).value_or("");
  return cpu;
}

uint64_t last_level_cache(const Cpu& cpu) {
  if (cpu.caches.empty()) return 0;
  const Cache& last = cpu.caches.back();
  return last.bytes * static_cast<uint64_t>(last.count);
}

}  // namespace halcyon::devices
