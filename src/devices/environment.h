// What the machine runs on: kernel, settings of its memory managers, and whether it is a guest of another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/system_root.h"

namespace halcyon::devices {

/// A setting of a kernel module, and where it is made.
struct ModuleOption {
  std::string module, name, value;
  std::string origin;  ///< "the kernel command line", "/etc/modprobe.d/amdgpu.conf"
};

struct Environment {
  std::string kernel;                                   ///< release: "6.18.4-amd64"
  bool wsl = false;                                     ///< Windows Subsystem for Linux
  bool dxg = false;                                     ///< /dev/dxg: GPUs reach WSL through Windows
  std::string container;                                ///< "docker", "podman", …; empty: none that shows
  std::vector<ModuleOption> module_options;             ///< of amdgpu, amdttm and ttm
  std::optional<uint64_t> pages_limit, page_pool_size;  ///< of ttm, in pages of 4 KiB
  std::optional<bool> kfd_usable;                  ///< whether this user may open /dev/kfd; empty: not there
  bool has_dri = false;                            ///< /dev/dri is there
  std::vector<std::string> unusable_render_nodes;  ///< "/dev/dri/renderD128", …
  enum class Rapl { absent, readable, forbidden } rapl = Rapl::absent;
};

Environment read_environment(const SystemRoot& root);

}  // namespace halcyon::devices
