#include "measure/runtime_libraries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>
#include <string_view>

namespace halcyon::measure {
namespace {

namespace fs = std::filesystem;

/// ROCm, CUDA, Vulkan and its drivers, llama.cpp and ggml, PyTorch.
constexpr std::array<std::string_view, 13> kKnown = {
    "libamdhip64", "libhsa-runtime64", "librocblas", "libhipblaslt", "libcudart", "libcublas",    "libcuda",
    "libvulkan",   "libllama",         "libggml",    "libmtmd",      "libtorch",  "libdrm_amdgpu"};

}  // namespace

std::map<std::string, std::string> runtime_libraries(const std::set<pid_t>& pids, const SystemRoot& root) {
  std::map<std::string, std::string> versions;
  for (const pid_t pid : pids) {
    std::istringstream maps(root.text(fmt::format("/proc/{}/maps", pid)).value_or(""));
    for (std::string line; std::getline(maps, line);) {
      const size_t slash = line.find('/');
      if (slash == std::string::npos) continue;
      const fs::path path = line.substr(slash);
      const std::string file = path.filename();
      const size_t so = file.find(".so");
      const auto begins_file = [&](std::string_view known) { return file.starts_with(known); };
      if (so == std::string::npos || !std::ranges::any_of(kKnown, begins_file)) continue;
      std::string& version = versions[file.substr(0, so)];
      if (!version.empty()) continue;
      std::error_code error;
      const uintmax_t size = fs::file_size(root.at(path.string()), error);
      version = file.size() > so + 4 ? file.substr(so + 4) : "unversioned";
      if (!error) version += fmt::format(", {} bytes", size);
    }
  }
  return versions;
}

}  // namespace halcyon::measure
