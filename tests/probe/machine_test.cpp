// GPUs and the kernel's own threads, as made-up trees of /sys and /proc.
#include "probe/machine.h"

#include <gmock/gmock.h>

#include "tests/probe/fake_proc.h"

namespace halcyon::probe {
namespace {

using test::FakeProc;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

TEST(GpuStates, OfStrixHalo) {
  const FakeProc sys;
  const std::string device = "/sys/class/drm/card1/device";
  sys.write(device + "/gpu_busy_percent", "100\n");
  sys.write(device + "/pp_dpm_sclk", "0: 600Mhz\n1: 1100Mhz\n2: 2900Mhz *\n");
  sys.write(device + "/hwmon/hwmon5/power1_average", "30123000\n");
  sys.write(device + "/hwmon/hwmon5/freq1_input", "2887000000\n");
  sys.write(device + "/mem_info_vram_used", "1073741824\n");
  sys.write(device + "/mem_info_gtt_used", "18553831424\n");
  sys.write("/sys/class/drm/card1-DP-1/status", "connected\n");
  sys.write("/sys/class/drm/renderD128/dev", "226:128\n");
  const auto gpus = gpu_states(sys.root());
  ASSERT_EQ(gpus.size(), 1U);
  EXPECT_EQ(gpus[0].card, "card1");
  EXPECT_EQ(gpus[0].busy_percent, 100);
  EXPECT_EQ(gpus[0].clock_mhz, 2900);
  EXPECT_DOUBLE_EQ(*gpus[0].watts, 30.123);
  EXPECT_EQ(gpus[0].vram_used_bytes, 1U << 30);
  EXPECT_EQ(gpus[0].gtt_used_bytes, 18'553'831'424U);
}

TEST(GpuStates, TakeWhatTheDriverHas) {
  const FakeProc sys;
  sys.write("/sys/class/drm/card0/device/vendor", "0x8086\n");
  sys.write("/sys/class/drm/card1/device/hwmon/hwmon2/power1_input", "7500000\n");
  sys.write("/sys/class/drm/card1/device/hwmon/hwmon2/freq1_input", "600000000\n");
  sys.write("/sys/class/drm/card1/device/gpu_busy_percent", "unknown\n");
  const auto gpus = gpu_states(sys.root());
  ASSERT_EQ(gpus.size(), 2U);
  EXPECT_FALSE(gpus[0].busy_percent || gpus[0].clock_mhz || gpus[0].watts || gpus[0].vram_used_bytes);
  EXPECT_EQ(gpus[1].watts, 7.5);
  EXPECT_EQ(gpus[1].clock_mhz, 600);
  EXPECT_FALSE(gpus[1].busy_percent);
}

TEST(GpuStates, DoNotWakeACardThatIsSwitchedOff) {
  const FakeProc sys;
  sys.write("/sys/class/drm/card0/device/power/runtime_status", "suspended\n");
  sys.write("/sys/class/drm/card0/device/gpu_busy_percent", "1\n");  // reading it would power the card up
  const auto gpus = gpu_states(sys.root());
  ASSERT_EQ(gpus.size(), 1U);
  EXPECT_TRUE(gpus[0].suspended);
  EXPECT_FALSE(gpus[0].busy_percent);
}

TEST(GpuStates, AreNoneWithoutAGpu) { EXPECT_THAT(gpu_states(FakeProc().root()), IsEmpty()); }

class GpuTime : public testing::Test {
 protected:
  void open(pid_t pid, int fd, std::string_view target, std::string_view info) const {
    proc_.link(fmt::format("/proc/{}/fd/{}", pid, fd), target);
    proc_.write(fmt::format("/proc/{}/fdinfo/{}", pid, fd), info);
  }
  FakeProc proc_;
};

TEST_F(GpuTime, CountsEachClientOnce) {
  const std::string first =
      "pos:\t0\nflags:\t02\ndrm-driver:\tamdgpu\ndrm-client-id:\t17\ndrm-pdev:\t0000:c5:00.0\n"
      "drm-engine-gfx:\t1000 ns\ndrm-engine-compute:\t234 "
      "ns\ndrm-engine-capacity-gfx:\t2\ndrm-memory-vram:\t5 KiB\n";
  open(600, 3, "/dev/dri/renderD128", first);
  open(600, 4, "/dev/dri/renderD128", first);  // dup(), or a second open of the same client
  open(601, 9, "/dev/dri/renderD128", first);  // passed on to a child
  open(600, 5, "/dev/dri/renderD129",
       "drm-client-id:\t17\ndrm-pdev:\t0000:03:00.0\ndrm-engine-render:\t70000 ns\n");  // of another device
  open(600, 6, "socket:[1]", "drm-client-id:\t99\ndrm-engine-gfx:\t5 ns\n");
  EXPECT_EQ(gpu_ns({600, 601}, proc_.root()), 71'234U);
}

TEST_F(GpuTime, IsUnknownWithoutAClient) {
  EXPECT_FALSE(gpu_ns({600}, proc_.root()));
  open(600, 3, "/dev/dri/card0", "pos:\t0\nflags:\t02\n");  // a driver that does not tell
  EXPECT_FALSE(gpu_ns({600}, proc_.root()));
}

TEST(KernelWorkers, AreTheKernelsThreadsWithTheirQueues) {
  const FakeProc proc;
  proc.process(2, {.parent = 0, .name = "kthreadd", .flags = 0x208040});
  proc.process(77,
               {.parent = 2, .name = "kworker/13:0+events_freezable", .flags = 0x4208060, .cpu_ticks = 1500});
  proc.process(600, {.name = "kworker/1:1-events"});  // calls itself so
  EXPECT_THAT(kernel_workers(proc.root()),
              ElementsAre(Field(&KernelWorker::pid, 2),
                          AllOf(Field(&KernelWorker::pid, 77),
                                Field(&KernelWorker::name, "kworker/13:0+events_freezable"),
                                Field(&KernelWorker::cpu_ns, 15'000'000'000U))));
}

TEST(KernelWorkers, UseBetweenTwoLooks) {
  const std::vector<KernelWorker> from = {{1, "a", 5'000'000'000}, {2, "b", 100}, {3, "c", 7}};
  const std::vector<KernelWorker> to = {
      {1, "a", 5'000'000'000}, {2, "b", 500'000'100}, {4, "new", 9'000'000'000}};
  const auto usage = worker_usage(from, to, 10);
  ASSERT_EQ(usage.size(), 2U);
  EXPECT_EQ(usage[0].name, "new");
  EXPECT_DOUBLE_EQ(usage[0].cpu_percent, 90);
  EXPECT_EQ(usage[1].name, "b");
  EXPECT_DOUBLE_EQ(usage[1].cpu_percent, 5);
}

}  // namespace
}  // namespace halcyon::probe
