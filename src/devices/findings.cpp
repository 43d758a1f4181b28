#include "devices/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "devices/models.h"

namespace halcyon::devices {
namespace {

constexpr uint64_t kGiB = 1ull << 30;
constexpr uint64_t kPagesPerGiB = 262144;  // of 4 KiB
constexpr uint64_t kLargeCarveOut = 2 * kGiB;
constexpr uint64_t kMuchSwapped = kGiB / 4;
constexpr std::string_view kRestart =
    "add it to GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, run update-grub, and restart; or, instead, "
    "put the second line into /etc/modprobe.d/ttm.conf, run update-initramfs -u, and restart";

std::string gib(uint64_t bytes) {
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(kGiB));
}

class Findings {
 public:
  Findings(const Machine& machine, const std::vector<KnownIssue>& known) : m_(machine), known_(known) {}

  std::vector<Finding> all() {
    known_issues();
    for (const Card& card : m_.cards)
      if (!m_.environment.wsl && is_apu(m_, card)) {
        gtt(card);
        carve_out(card);
      }
    pool();
    gttsize();
    access();
    vulkan();
    wsl();
    power();
    memory();
    governor();
    std::ranges::stable_sort(found_, {}, &Finding::level);
    return std::move(found_);
  }

 private:
  using Lines = std::vector<std::string>;

  void problem(std::string id, std::string what, std::string advice, Lines settings = {},
               std::string source = {}) {
    found_.push_back({Finding::Level::problem, std::move(id), std::move(what), std::move(advice),
                      std::move(settings), std::move(source)});
  }
  void hint(std::string id, std::string what, std::string advice, Lines settings = {},
            std::string source = {}) {
    found_.push_back({Finding::Level::hint, std::move(id), std::move(what), std::move(advice),
                      std::move(settings), std::move(source)});
  }

  void known_issues() {
    std::vector<std::string> gfx;
    for (const KfdNode& node : m_.kfd) gfx.push_back(node.gfx);
    for (const KnownIssue& issue : issues_of(known_, m_.versions, gfx))
      problem("known_issue",
              fmt::format("{} {}: {}", issue.component, m_.versions.at(issue.component), issue.what),
              issue.advice, {}, issue.source);
  }

  void gtt(const Card& card) {
    const uint64_t total = m_.memory.total, reserve = system_reserve(total);
    if (!card.gtt_total || total <= reserve) return;
    const uint64_t wanted = (total - reserve) / kGiB;
    if (*card.gtt_total / kGiB >= wanted * 9 / 10) return;
    const uint64_t pages = wanted * kPagesPerGiB;
    problem(
        "gtt",
        fmt::format("{} ({}) can map {} of the {} of system memory (GTT): models beyond that don't fit on it",
                    card.name, gfx_of(m_, card), gib(*card.gtt_total), gib(total)),
        fmt::format("allow {} GiB, which leaves {} to the system ({} GiB × {} pages of 4 KiB): {}", wanted,
                    gib(total - wanted * kGiB), wanted, kPagesPerGiB, kRestart),
        {fmt::format("ttm.pages_limit={0} ttm.page_pool_size={0}", pages),
         fmt::format("options ttm pages_limit={0} page_pool_size={0}", pages)},
        "https://rocm.docs.amd.com/en/latest/how-to/system-optimization/strixhalo.html");
  }

  void carve_out(const Card& card) {
    if (!card.vram_total || *card.vram_total < kLargeCarveOut) return;
    hint("carve_out",
         fmt::format("the BIOS sets {} aside for {} ({}), which the system can't use, whether a model is "
                     "loaded or not",
                     gib(*card.vram_total), card.name, gfx_of(m_, card)),
         "in the BIOS, set the UMA frame buffer to its smallest size (512 MB): the GPU maps the system's "
         "memory "
         "(GTT) when a model needs it. Then run `halcyon devices` again: there is more to allow for GTT",
         {}, "https://rocm.docs.amd.com/en/latest/how-to/system-optimization/strixhalo.html");
  }

  void pool() {
    const auto& [limit, size] = std::pair(m_.environment.pages_limit, m_.environment.page_pool_size);
    if (!limit || !size || *size >= *limit) return;
    hint("page_pool_size",
         fmt::format("ttm.page_pool_size ({} pages) is less than ttm.pages_limit ({}): memory "
                     "beyond it is given back and cleared whenever a model is unloaded",
                     *size, *limit),
         "make them equal, where pages_limit is set", {fmt::format("ttm.page_pool_size={}", *limit)});
  }

  void gttsize() {
    const auto& options = m_.environment.module_options;
    const auto old = std::ranges::find_if(
        options, [](const ModuleOption& o) { return o.module == "amdgpu" && o.name == "gttsize"; });
    if (old == options.end()) return;
    const auto newer = std::ranges::find_if(options, [](const ModuleOption& o) {
      return (o.module == "ttm" || o.module == "amdttm") && o.name == "pages_limit";
    });
    const std::string given = fmt::format("amdgpu.gttsize={} ({})", old->value, old->origin);
    if (newer != options.end()) {
      problem("gttsize",
              fmt::format("{} is deprecated, and combined with {}.pages_limit={} ({}), which it may "
                          "contradict",
                          given, newer->module, newer->value, newer->origin),
              "remove amdgpu.gttsize and restart");
    } else {
      hint("gttsize", given + " is deprecated", "remove it, and set ttm.pages_limit instead (GiB × 262144)");
    }
  }

  void access() {
    const Environment& env = m_.environment;
    std::vector<std::string> closed = env.unusable_render_nodes;
    if (env.kfd_usable == false) closed.push_back("/dev/kfd");
    if (!closed.empty())
      problem("access", fmt::format("this user may not open {}: GPUs can't be used", fmt::join(closed, ", ")),
              "join the groups of these files, and log in again", {"sudo usermod -aG render,video $USER"});
    if (!env.container.empty() && !m_.cards.empty() && !env.has_dri)
      problem("container_devices",
              fmt::format("this is a container ({}), and the machine's GPUs are not passed into it",
                          env.container),
              "start it with them",
              {"--device /dev/dri --device /dev/kfd --group-add video --group-add render"});
    if (m_.memory.limit)
      hint("memory_limit",
           fmt::format("a control group limits this process to {} of {} of memory", gib(*m_.memory.limit),
                       gib(m_.memory.total)),
           "raise the limit of the container or service if larger models are to fit");
  }

  void vulkan() {
    const bool has_gpu = std::ranges::any_of(m_.cards, [](const Card& card) {
      return card.driver == "amdgpu" || card.driver == "i915" || card.driver == "xe";
    });
    const bool has_device = m_.vulkan && std::ranges::any_of(*m_.vulkan, [](const VulkanDevice& device) {
                              return device.type != "cpu";
                            });
    const bool asked = m_.vulkan || !m_.vulkan_error.empty();
    if (asked && has_gpu && !has_device)
      problem("vulkan_driver", "there is a GPU, but no Vulkan driver that can use it",
              "install Mesa's drivers and the loader", {"sudo apt install mesa-vulkan-drivers libvulkan1"});
  }

  void wsl() {
    if (!m_.environment.wsl) return;
    if (m_.environment.dxg)
      problem(
          "wsl_interrupts",
          "under WSL, ROCm gets no interrupts from the GPU: any process that has used HIP keeps about "
          "two cores busy for as long as it lives, even with no model loaded",
          "run the server with Vulkan or on native Linux, end it after use, or freeze it while it is idle "
          "(`halcyon advise` has the cost of each); HSA_ENABLE_INTERRUPT=1 does not help",
          {}, "https://github.com/ggml-org/llama.cpp/issues/27687");
    hint("wsl_power", "WSL has no power sensors: energy is estimated from CPU time",
         "measure on native Linux, or with a meter at the wall");
  }

  void power() {
    const Environment& env = m_.environment;
    if (env.rapl == Environment::Rapl::forbidden)
      hint("rapl",
           "the processor counts its energy (RAPL), but only root may read it: energy is measured in part or "
           "estimated",
           "if it is acceptable here that every user can read it (it is a side channel, CVE-2020-8694), put "
           "these lines into /etc/tmpfiles.d/rapl.conf and run systemd-tmpfiles --create",
           {"z /sys/devices/virtual/powercap/intel-rapl/*/energy_uj 0444 - - -",
            "z /sys/devices/virtual/powercap/intel-rapl/*/*/energy_uj 0444 - - -"});
    const bool gpu = std::ranges::any_of(
        m_.cards, [](const Card& card) { return card.driver == "amdgpu" || card.driver == "nvidia"; });
    if (env.rapl == Environment::Rapl::absent && !env.wsl && !gpu)
      hint("no_power_sensor",
           "nothing here measures power (virtual machines seldom do): energy is estimated from "
           "CPU time",
           "measure on the machine itself, or with a meter at the wall");
  }

  void memory() {
    const Memory& memory = m_.memory;
    if (memory.huge_pages == "never")
      hint("huge_pages", "transparent huge pages are off: weights are read slower through small ones",
           "allow them where a program asks; on the kernel command line for good",
           {"echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
            "transparent_hugepage=madvise"});
    const uint64_t swapped = memory.swap_total - std::min(memory.swap_free, memory.swap_total);
    if (swapped > kMuchSwapped)
      hint("swap",
           fmt::format("{} are swapped out: a resident model that was is slow at first{}", gib(swapped),
                       m_.kfd.empty() ? ""
                                      : ", and a kernel worker may spin for as long as an idle ROCm process "
                                        "has pages there"),
           "keep the kernel from swapping programs out; in /etc/sysctl.d/swap.conf for good",
           {"sudo sysctl vm.swappiness=1", "vm.swappiness = 1"},
           m_.kfd.empty() ? "" : "https://github.com/ROCm/TheRock/issues/7956");
  }

  void governor() {
    // These two set the clock themselves, and call that powersave.
    const bool dynamic = m_.cpu.driver == "intel_pstate" || m_.cpu.driver == "amd-pstate-epp";
    if (m_.cpu.governor == "powersave" && !dynamic)
      hint("governor",
           fmt::format("the CPU governor powersave of {} holds the lowest clock",
                       m_.cpu.driver.empty() ? "this driver" : m_.cpu.driver),
           "let the clock follow the load", {"sudo cpupower frequency-set -g schedutil"});
  }

  const Machine& m_;
  const std::vector<KnownIssue>& known_;
  std::vector<Finding> found_;
};

}  // namespace

std::string_view name_of(Finding::Level level) {
  return level == Finding::Level::problem ? "problem" : "hint";
}

std::vector<Finding> find(const Machine& machine, const std::vector<KnownIssue>& known) {
  return Findings(machine, known).all();
}

}  // namespace halcyon::devices
