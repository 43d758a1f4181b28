#include "tests/devices/fake_machine.h"

#include <fmt/format.h>

namespace halcyon::test {

FakeMachine& FakeMachine::file(std::string_view path, std::string_view text) {
  const std::filesystem::path whole = root().at(path);
  std::filesystem::create_directories(whole.parent_path());
  write_file(whole, text);
  return *this;
}

FakeMachine& FakeMachine::cpus(std::string_view name, int sockets, int cores_per_socket,
                               std::string_view flags) {
  std::string info;
  for (int cpu = 0; cpu < 2 * sockets * cores_per_socket; ++cpu) {  // two threads a core
    const int core = cpu / 2 % cores_per_socket, socket = cpu / 2 / cores_per_socket;
    info += fmt::format(
        "processor\t: {}\nvendor_id\t: x\nmodel name\t: {}\nmicrocode\t: 0xb700032\nphysical id\t: {}\n"
        "core id\t\t: {}\nflags\t\t: fpu {}\n\n",
        cpu, name, socket, core, flags);
    if (core > 0) continue;  // the caches of a socket's first core are enough
    const std::string cache = fmt::format("/sys/devices/system/cpu/cpu{}/cache", cpu);
    const auto add = [&](int index, int level, std::string_view type, std::string_view size,
                         std::string shared) {
      const std::string at = fmt::format("{}/index{}", cache, index);
      file(at + "/level", fmt::format("{}\n", level));
      file(at + "/type", fmt::format("{}\n", type));
      file(at + "/size", fmt::format("{}\n", size));
      file(at + "/shared_cpu_list", shared + "\n");
    };
    const int first = cpu / 2 * 2;
    add(0, 1, "Data", "48K", fmt::format("{}-{}", first, first + 1));
    add(2, 2, "Unified", "1024K", fmt::format("{}-{}", first, first + 1));
    add(3, 3, "Unified", "32768K", fmt::format("socket {}", socket));
  }
  return file("/proc/cpuinfo", info);
}

FakeMachine& FakeMachine::memory(uint64_t total, uint64_t available) {
  return file("/proc/meminfo",
              fmt::format("MemTotal:       {} kB\nMemFree:        1234 kB\nMemAvailable:   {} kB\n"
                          "SwapTotal:      0 kB\nSwapFree:       0 kB\n",
                          total >> 10, available >> 10))
      .file("/proc/self/cgroup", "0::/user.slice\n")
      .file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
}

FakeMachine FakeMachine::strix_halo(uint64_t carve_out, uint64_t gtt) {
  FakeMachine machine;
  const uint64_t total = 126 * kGiB - carve_out;
  machine.cpus("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 1, 16, "avx2 f16c avx512f avx512_vnni avx512_bf16")
      .memory(total, total - 4 * kGiB)
      .file("/proc/sys/kernel/osrelease", "6.18.6-200.fc43.x86_64\n")
      .file("/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet\n")
      .file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver", "amd-pstate-epp\n")
      .file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
      .file("/sys/class/powercap/intel-rapl:0/energy_uj", "123456\n")
      .file("/sys/class/drm/version", "drm 1.1.0 20060810\n")
      .file("/sys/class/drm/card1-HDMI-A-1/status", "disconnected\n")
      .file("/sys/class/drm/card1/device/uevent", "DRIVER=amdgpu\nPCI_CLASS=38000\nPCI_ID=1002:1586\n")
      .file("/sys/class/drm/card1/device/drm/card1/dev", "226:1\n")
      .file("/sys/class/drm/card1/device/drm/renderD128/dev", "226:128\n")
      .file("/sys/class/drm/card1/device/mem_info_vram_total", fmt::format("{}\n", carve_out))
      .file("/sys/class/drm/card1/device/mem_info_vram_used", "104857600\n")
      .file("/sys/class/drm/card1/device/mem_info_gtt_total", fmt::format("{}\n", gtt))
      .file("/sys/class/drm/card1/device/mem_info_gtt_used", "20971520\n")
      .file("/sys/class/drm/card1/device/vbios_version", "113-STRXLGEN-001\n")
      .file("/sys/class/drm/card1/device/fw_version/mec_fw_version", "0x00000020\n")
      .file("/sys/class/drm/card1/device/fw_version/uvd_fw_version", "0x00000000\n")
      .file("/sys/class/kfd/kfd/topology/nodes/0/properties",
            "cpu_cores_count 32\nsimd_count 0\ngfx_target_version 0\ndrm_render_minor 0\n")
      .file("/sys/class/kfd/kfd/topology/nodes/1/properties",
            "cpu_cores_count 0\nsimd_count 80\ngfx_target_version 110501\ndrm_render_minor 128\n")
      .file("/sys/class/kfd/kfd/topology/nodes/1/mem_banks/0/properties",
            fmt::format("heap_type 1\nsize_in_bytes {}\nflags 0\n", gtt))
      .file("/sys/module/ttm/parameters/pages_limit", fmt::format("{}\n", gtt / 4096))
      .file("/sys/module/ttm/parameters/page_pool_size", fmt::format("{}\n", gtt / 4096))
      .file("/dev/kfd", "")
      .file("/dev/dri/renderD128", "")
      .file("/opt/rocm/.info/version", "7.2.0\n")
      .file("/opt/rocm/lib/libhsa-runtime64.so.1", "")
      .file("/opt/rocm/lib/libhsa-runtime64.so.1.18.70200", "");
  return machine;
}

FakeMachine FakeMachine::server() {
  FakeMachine machine;
  machine.cpus("Intel(R) Xeon(R) Gold 6426Y", 2, 8, "avx2 avx512f avx512_vnni amx_int8 amx_bf16")
      .memory(256 * kGiB, 250 * kGiB)
      .file("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n")
      .file("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n")
      .file("/sys/class/powercap/intel-rapl:0/energy_uj", "123456\n");
  return machine;
}

FakeMachine FakeMachine::wsl() {
  FakeMachine machine;
  machine.cpus("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", 1, 16, "avx2 avx512f")
      .memory(62 * kGiB, 60 * kGiB)
      .file("/proc/sys/kernel/osrelease", "6.6.87.2-microsoft-standard-WSL2\n")
      .file("/dev/dxg", "");
  return machine;
}

FakeMachine FakeMachine::container() {
  FakeMachine machine = strix_halo();
  std::filesystem::remove_all(machine.path() / "dev");
  machine.file("/.dockerenv", "")
      .file("/proc/self/cgroup", "0::/\n")
      .file("/sys/fs/cgroup/memory.max", fmt::format("{}\n", 16 * kGiB));
  return machine;
}

}  // namespace halcyon::test
