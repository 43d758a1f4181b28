#include "probe/machine.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>

#include "probe/proc.h"

namespace halcyon::probe {
namespace {

std::optional<double> number(const SystemRoot& root, const std::string& path, double unit) {
  const auto value = root.number(path);
  return value && *value >= 0 ? std::optional(static_cast<double>(*value) * unit) : std::nullopt;
}

std::optional<uint64_t> bytes(const SystemRoot& root, const std::string& path) {
  const auto value = root.number(path);
  return value && *value >= 0 ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
}

/// Of pp_dpm_sclk the line that is marked as active: "1: 2900Mhz *".
std::optional<double> active_level_mhz(const SystemRoot& root, const std::string& path) {
  const auto levels = root.text(path);
  std::string_view lines = levels ? std::string_view(*levels) : std::string_view();
  while (!lines.empty()) {
    std::string_view line = take_until(lines, '\n');
    if (line.find('*') == std::string_view::npos) continue;
    take_word(line);
    const std::string_view level = take_word(line);
    if (const auto mhz = to_number<int>(level.substr(0, level.find_first_not_of("0123456789")))) return *mhz;
  }
  return std::nullopt;
}

GpuState read_gpu(const SystemRoot& root, const std::string& card) {
  const std::string device = "/sys/class/drm/" + card + "/device";
  GpuState gpu;
  gpu.card = card;
  gpu.suspended = root.text(device + "/power/runtime_status") == "suspended";
  if (gpu.suspended) return gpu;
  gpu.busy_percent = number(root, device + "/gpu_busy_percent", 1);
  gpu.clock_mhz = active_level_mhz(root, device + "/pp_dpm_sclk");
  gpu.vram_used_bytes = bytes(root, device + "/mem_info_vram_used");
  gpu.gtt_used_bytes = bytes(root, device + "/mem_info_gtt_used");
  for (const std::string& name : root.names(device + "/hwmon")) {
    const std::string hwmon = device + "/hwmon/" + name;
    if (!gpu.clock_mhz) gpu.clock_mhz = number(root, hwmon + "/freq1_input", 1e-6);
    if (!gpu.watts) gpu.watts = number(root, hwmon + "/power1_average", 1e-6);
    if (!gpu.watts) gpu.watts = number(root, hwmon + "/power1_input", 1e-6);
  }
  return gpu;
}

/// A descriptor's client of a GPU: which one, and how long engines worked for it. See the kernel's
/// Documentation/gpu/drm-usage-stats.rst.
struct GpuClient {
  std::string id;  ///< with its device
  uint64_t engine_ns = 0;
};

std::optional<GpuClient> parse_fdinfo(std::string_view text) {
  std::string device, client;
  uint64_t engine_ns = 0;
  while (!text.empty()) {
    std::string_view value = take_until(text, '\n');
    const std::string_view key = take_until(value, ':');
    if (key == "drm-pdev") device = take_word(value);
    if (key == "drm-client-id") client = take_word(value);
    if (key.starts_with("drm-engine-") && !key.starts_with("drm-engine-capacity-"))
      engine_ns += to_number<uint64_t>(take_word(value)).value_or(0);
  }
  if (client.empty()) return std::nullopt;
  return GpuClient{.id = device + " " + client, .engine_ns = engine_ns};
}

}  // namespace

std::vector<GpuState> gpu_states(const SystemRoot& root) {
  std::vector<GpuState> gpus;
  for (const std::string& name : root.names("/sys/class/drm"))  // "card1"; "card1-DP-1" is a socket of it
    if (name.starts_with("card") && to_number<int>(name.substr(4))) gpus.push_back(read_gpu(root, name));
  return gpus;
}

std::optional<uint64_t> gpu_ns(const std::vector<pid_t>& pids, const SystemRoot& root) {
  std::map<std::string, uint64_t> clients;
  for (const pid_t pid : pids) {
    const std::string folder = fmt::format("/proc/{}", pid);
    for (const int fd : ids_in(root, folder + "/fd")) {
      std::error_code gone;
      const auto target = std::filesystem::read_symlink(root.at(fmt::format("{}/fd/{}", folder, fd)), gone);
      if (!target.string().starts_with("/dev/dri/")) continue;
      const auto info = root.text(fmt::format("{}/fdinfo/{}", folder, fd));
      const auto client = info ? parse_fdinfo(*info) : std::nullopt;
      if (client) clients[client->id] = std::max(clients[client->id], client->engine_ns);
    }
  }
  if (clients.empty()) return std::nullopt;
  uint64_t sum = 0;
  for (const auto& [id, engine_ns] : clients) sum += engine_ns;
  return sum;
}

std::vector<KernelWorker> kernel_workers(const SystemRoot& root) {
  std::vector<KernelWorker> workers;
  for (const pid_t pid : ids_in(root, "/proc")) {
    auto stat = read_stat(root, fmt::format("/proc/{}", pid));
    if (stat && stat->of_kernel())
      workers.push_back({.pid = pid, .name = std::move(stat->name), .cpu_ns = stat->cpu_ns});
  }
  return workers;
}

std::vector<WorkerUsage> worker_usage(const std::vector<KernelWorker>& from,
                                      const std::vector<KernelWorker>& to, double seconds) {
  std::map<pid_t, uint64_t> before;
  for (const KernelWorker& worker : from) before[worker.pid] = worker.cpu_ns;
  std::vector<WorkerUsage> usage;
  for (const KernelWorker& worker : to) {
    const uint64_t then = before.contains(worker.pid) ? before[worker.pid] : 0;
    if (worker.cpu_ns <= then || seconds <= 0) continue;
    usage.push_back({.pid = worker.pid,
                     .name = worker.name,
                     .cpu_percent = static_cast<double>(worker.cpu_ns - then) / 1e7 / seconds});
  }
  std::ranges::stable_sort(usage, std::greater{}, &WorkerUsage::cpu_percent);
  return usage;
}

}  // namespace halcyon::probe
