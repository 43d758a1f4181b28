// Folders that look like the /proc and /sys of machines that are not here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/system_root.h"
#include "tests/support/support.h"

namespace halcyon::test {

inline constexpr uint64_t kGiB = 1ull << 30;

class FakeMachine {
 public:
  /// A Strix Halo with 128 GB on Linux 6.18.6, with what the BIOS and the kernel make of it by default.
  static FakeMachine strix_halo(uint64_t carve_out = kGiB / 2, uint64_t gtt = 62 * kGiB);

  /// Two sockets of eight cores each, no GPU, RAPL for root only.
  static FakeMachine server();

  /// Ubuntu in WSL 2, with a GPU behind /dev/dxg.
  static FakeMachine wsl();

  /// In Docker on the Strix Halo, without its devices, limited to 16 GiB.
  static FakeMachine container();

  SystemRoot root() const { return SystemRoot(folder_->path()); }
  const std::filesystem::path& path() const { return folder_->path(); }

  /// Writes a file, its folders included; `path` begins with a slash.
  FakeMachine& file(std::string_view path, std::string_view text);

 private:
  FakeMachine& cpus(std::string_view name, int sockets, int cores_per_socket, std::string_view flags);
  FakeMachine& memory(uint64_t total, uint64_t available);

  std::shared_ptr<TemporaryDir> folder_ = std::make_shared<TemporaryDir>();
};

}  // namespace halcyon::test
