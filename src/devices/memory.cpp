#include "devices/memory.h"

#include <algorithm>
#include <charconv>

#include "devices/text.h"

namespace halcyon::devices {
namespace {

/// The least limit of the control groups from the process's own upwards, versions 1 and 2.
std::optional<uint64_t> memory_limit(const SystemRoot& root) {
  std::optional<uint64_t> least;
  for (const std::string& line : lines(root.text("/proc/self/cgroup").value_or(""))) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);  // "4:memory:/path", "0::/path"
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && controllers != "memory") continue;
    const std::string mount = controllers.empty() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string file = controllers.empty() ? "/memory.max" : "/memory.limit_in_bytes";
    std::string path = line.substr(second + 1);
    while (true) {
      if (path == "/") path.clear();
      if (const auto limit = root.number(mount + path + file); limit && *limit > 0)  // "max" is no number
        least = std::min(least.value_or(UINT64_MAX), static_cast<uint64_t>(*limit));
      if (path.empty()) break;
      path.resize(path.rfind('/') == path.npos ? 0 : path.rfind('/'));
    }
  }
  return least;
}

}  // namespace

Memory read_memory(const SystemRoot& root) {
  Memory memory;
  for (const auto& [key, value] : key_values(root.text("/proc/meminfo").value_or(""), ':')) {
    uint64_t kib = 0;
    std::from_chars(value.data(), value.data() + value.size(), kib);
    if (key == "MemTotal") memory.total = kib << 10;
    if (key == "MemAvailable") memory.available = kib << 10;
    if (key == "SwapTotal") memory.swap_total = kib << 10;
    if (key == "SwapFree") memory.swap_free = kib << 10;
  }
  if (const auto limit = memory_limit(root); limit && *limit < memory.total) memory.limit = limit;
  const std::string thp = root.text("/sys/kernel/mm/transparent_hugepage/enabled").value_or("");
  if (const size_t begin = thp.find('['), end = thp.find(']'); begin != thp.npos && end > begin)
    memory.huge_pages = thp.substr(begin + 1, end - begin - 1);  // "always [madvise] never"
  return memory;
}

}  // namespace halcyon::devices
