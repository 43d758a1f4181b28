#include "devices/versions.h"

#include <fmt/format.h>

#include "devices/cpu.h"
#include "devices/gpu.h"
#include "devices/text.h"

namespace halcyon::devices {
namespace {

/// Packages whose versions matter, and what they are called here.
constexpr std::pair<std::string_view, std::string_view> kPackages[] = {
    {"linux-firmware", "linux-firmware"},
    {"firmware-amd-graphics", "linux-firmware"},
    {"mesa-vulkan-drivers", "mesa"},
    {"amdvlk", "amdvlk"},
};

/// "1.18.70200" of "libhsa-runtime64.so.1.18.70200".
std::string rocr_version(const SystemRoot& root) {
  constexpr std::string_view kFile = "libhsa-runtime64.so.";
  std::string newest;
  for (const char* folder : {"/opt/rocm/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64"})
    for (const std::string& name : root.names(folder))
      if (name.starts_with(kFile) && is_older(newest, name.substr(kFile.size())))
        newest = name.substr(kFile.size());
  return newest.find('.') == newest.npos ? "" : newest;  // "1" alone is the name that others link to
}

/// The installed packages of dpkg's status file.
void add_packages(const SystemRoot& root, std::map<std::string, std::string>& versions) {
  std::string package;
  bool installed = false;
  for (const auto& [key, value] : key_values(root.text("/var/lib/dpkg/status").value_or(""), ':')) {
    if (key == "Package") {
      package = value;
      installed = false;
    }
    if (key == "Status") installed = value.ends_with(" installed");
    if (key != "Version" || !installed) continue;
    for (const auto& [name, as] : kPackages)
      if (package == name) versions.emplace(as, value);
  }
}

}  // namespace

std::map<std::string, std::string> current_versions(const SystemRoot& root) {
  std::map<std::string, std::string> versions;
  const auto add = [&](const std::string& name, const std::string& version) {
    if (!version.empty()) versions.emplace(name, version);
  };
  const auto add_file = [&](const std::string& name, std::string_view path) {
    add(name, root.text(path).value_or(""));
  };
  add_file("kernel", "/proc/sys/kernel/osrelease");
  const Cpu cpu = read_cpu(root);
  add("cpu", cpu.name);
  add("microcode", cpu.microcode);
  add_file("bios", "/sys/class/dmi/id/bios_version");
  add_file("amdgpu", "/sys/module/amdgpu/version");  // there with DKMS only: in the kernel it has none
  add_file("nvidia", "/sys/module/nvidia/version");
  add_file("rocm", "/opt/rocm/.info/version");
  add("rocr", rocr_version(root));
  for (const Card& card : read_cards(root)) {
    add("vbios " + card.name, card.vbios);
    add("gpu firmware " + card.name, card.firmware);
  }
  add_packages(root, versions);
  return versions;
}

}  // namespace halcyon::devices
