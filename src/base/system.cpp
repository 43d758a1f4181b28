#include "base/system.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>
#include <thread>

namespace halcyon {
namespace {

/// The number in a file that holds only a number.
bool read_number(const std::string& path, uint64_t& value) {
  std::ifstream in(path);
  return static_cast<bool>(in >> value);
}

/// The folder of the process's cgroup (v2), or "".
std::string cgroup_folder() {
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
  return "";
}

/// The rest of the line of `file` that starts with `key`, behind its colon; "" if there is none.
std::string field_of(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(':');
    if (line.starts_with(key) && colon != std::string::npos) {
      const size_t text = line.find_first_not_of(" \t", colon + 1);
      return text == std::string::npos ? "" : line.substr(text);
    }
  }
  return "";
}

}  // namespace

uint64_t available_memory() {
  uint64_t available = std::numeric_limits<uint64_t>::max();
  if (const std::string kb = field_of("/proc/meminfo", "MemAvailable"); !kb.empty())
    available = std::strtoull(kb.c_str(), nullptr, 10) * 1024;
  const std::string cgroup = cgroup_folder();
  uint64_t limit = 0, used = 0;
  if (read_number(cgroup + "/memory.max", limit) && read_number(cgroup + "/memory.current", used))
    available = std::min(available, limit > used ? limit - used : 0);
  return available;
}

std::optional<uint64_t> peak_memory() {
  const std::string kb = field_of("/proc/self/status", "VmHWM");
  if (kb.empty()) return std::nullopt;
  return std::strtoull(kb.c_str(), nullptr, 10) * 1024;
}

bool forget_peak_memory() {
  std::ofstream out("/proc/self/clear_refs");
  return static_cast<bool>(out << '5' << std::flush);  // proc(5): resets VmHWM
}

int32_t available_cores() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return std::max(1, static_cast<int32_t>(std::thread::hardware_concurrency()));
  std::set<std::string> cores;  // a core is known by the list of its threads
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream in(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
    std::string siblings;
    if (!std::getline(in, siblings)) siblings = std::to_string(cpu);
    cores.insert(siblings);
  }
  return std::max(1, static_cast<int32_t>(cores.size()));
}

std::string cpu_name() {
  const std::string name = field_of("/proc/cpuinfo", "model name");
  return name.empty() ? "unknown CPU" : name;
}

std::string kernel_name() {
  utsname names{};
  return ::uname(&names) == 0 ? fmt::format("{} {}", names.sysname, names.release) : "unknown kernel";
}

}  // namespace halcyon
