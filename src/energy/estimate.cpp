#include "energy/estimate.h"

#include <time.h>
#include <unistd.h>

#include <charconv>

namespace halcyon::energy {
namespace {

class CpuEstimate final : public Sensor {
 public:
  CpuEstimate(CpuClock cpu, double watts)
      : info_{Domain::cpu_estimate, "cpu",
              fmt::format("estimated: CPU time of {} × {:g} W per active core (--watts-per-core, "
                          "HALCYON_WATTS_PER_CORE)",
                          cpu.of, watts),
              false},
        cpu_(std::move(cpu)),
        watts_(watts) {}

  const SensorInfo& info() const override { return info_; }

  Result<Sample> sample() override { return Sample{Sample::Kind::joules, cpu_.seconds() * watts_}; }

 private:
  SensorInfo info_;
  CpuClock cpu_;
  double watts_;
};

/// The first line of /proc/stat: "cpu  user nice system idle iowait irq softirq steal …" in clock ticks. What
/// guests use is in user.
double busy_seconds(const SystemRoot& root) {
  const Result<std::string> stat = root.text("/proc/stat");
  if (!stat || !stat->starts_with("cpu ")) return 0;
  const char* at = stat->data() + 3;
  const char* const end = stat->data() + stat->size();
  double ticks = 0;
  for (const bool busy : {true, true, true, false, false, true, true}) {
    while (at != end && *at == ' ') ++at;
    uint64_t field = 0;
    at = std::from_chars(at, end, field).ptr;
    if (busy) ticks += static_cast<double>(field);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

CpuClock process_cpu_clock() {
  return {.of = "this process", .seconds = [] {
            timespec t{};
            ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
            return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
          }};
}

CpuClock machine_cpu_clock(const SystemRoot& root) {
  return {.of = "all cores", .seconds = [root] { return busy_seconds(root); }};
}

std::unique_ptr<Sensor> open_cpu_estimate(CpuClock cpu, double watts_per_core) {
  return std::make_unique<CpuEstimate>(std::move(cpu), watts_per_core);
}

}  // namespace halcyon::energy
