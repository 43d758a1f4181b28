#include "devices/environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

#include "devices/text.h"

namespace halcyon::devices {
namespace {

bool exists(const SystemRoot& root, std::string_view path) {
  std::error_code error;
  return std::filesystem::exists(root.at(path), error);
}

bool is_watched(std::string_view module) {
  return module == "amdgpu" || module == "amdttm" || module == "ttm";
}

/// "gttsize=1024" of a module, if it has that form.
void add_option(std::vector<ModuleOption>& options, std::string_view module, std::string_view setting,
                std::string_view origin) {
  const size_t equals = setting.find('=');
  if (!is_watched(module) || equals == setting.npos) return;
  options.push_back({std::string(module), std::string(setting.substr(0, equals)),
                     std::string(setting.substr(equals + 1)), std::string(origin)});
}

std::vector<ModuleOption> module_options(const SystemRoot& root) {
  std::vector<ModuleOption> options;
  for (const std::string& word : words(root.text("/proc/cmdline").value_or("")))
    if (const size_t dot = word.find('.'); dot != word.npos)
      add_option(options, std::string_view(word).substr(0, dot), std::string_view(word).substr(dot + 1),
                 "the kernel command line");
  for (const char* folder : {"/etc/modprobe.d", "/lib/modprobe.d"})
    for (const std::string& name : root.names(folder)) {
      if (!name.ends_with(".conf")) continue;
      const std::string file = fmt::format("{}/{}", folder, name);
      for (const std::string& line : lines(root.text(file).value_or(""))) {
        const std::vector<std::string> parts = words(line);  // options MODULE NAME=VALUE…
        if (parts.size() < 3 || parts[0] != "options") continue;
        for (size_t i = 2; i < parts.size(); ++i) add_option(options, parts[1], parts[i], file);
      }
    }
  return options;
}

std::string container(const SystemRoot& root) {
  if (const auto name = root.text("/run/systemd/container"); name && !name->empty()) return *name;
  if (exists(root, "/.dockerenv")) return "docker";
  if (exists(root, "/run/.containerenv")) return "podman";
  const std::string groups = root.text("/proc/1/cgroup").value_or("");
  for (const char* name : {"docker", "kubepods", "lxc", "podman"})
    if (groups.find(name) != groups.npos) return name;
  return "";
}

std::optional<uint64_t> parameter(const SystemRoot& root, std::string_view name) {
  const auto value = root.number(fmt::format("/sys/module/ttm/parameters/{}", name));
  return value && *value >= 0 ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
}

bool may_open(const SystemRoot& root, std::string_view path) {
  return ::access(root.at(path).c_str(), R_OK | W_OK) == 0;
}

Environment::Rapl rapl(const SystemRoot& root) {
  constexpr std::string_view kFile = "/sys/class/powercap/intel-rapl:0/energy_uj";
  if (!exists(root, kFile)) return Environment::Rapl::absent;
  return root.text(kFile) ? Environment::Rapl::readable : Environment::Rapl::forbidden;
}

}  // namespace

Environment read_environment(const SystemRoot& root) {
  Environment env;
  env.kernel = root.text("/proc/sys/kernel/osrelease").value_or("");
  std::string lower = env.kernel;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  env.wsl = lower.find("microsoft") != lower.npos;
  env.dxg = exists(root, "/dev/dxg");
  env.container = container(root);
  env.module_options = module_options(root);
  env.pages_limit = parameter(root, "pages_limit");
  env.page_pool_size = parameter(root, "page_pool_size");
  if (exists(root, "/dev/kfd")) env.kfd_usable = may_open(root, "/dev/kfd");
  env.has_dri = exists(root, "/dev/dri");
  for (const std::string& node : root.names("/dev/dri"))
    if (const std::string path = "/dev/dri/" + node; node.starts_with("renderD") && !may_open(root, path))
      env.unusable_render_nodes.push_back(path);
  env.rapl = rapl(root);
  return env;
}

}  // namespace halcyon::devices
