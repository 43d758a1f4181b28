// Which burn it is, from what was seen.
#include "probe/burn.h"

#include <gmock/gmock.h>

namespace halcyon::probe {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

Usage usage(double cpu_percent, double wakeups_per_second) {
  Usage usage;
  usage.seconds = 15;
  usage.cpu_percent = cpu_percent;
  usage.wakeups_per_second = wakeups_per_second;
  return usage;
}

/// Case study A: two threads poll in libhsa-runtime64.
IdleEvidence polling() {
  IdleEvidence seen;
  seen.usage = usage(182.4, 3);
  seen.usage.threads = {{.pid = 1, .tid = 2, .name = "hsa-poll", .cpu_percent = 91.5},
                        {.pid = 1, .tid = 3, .name = "hsa-poll", .cpu_percent = 90.9},
                        {.pid = 1, .tid = 1, .name = "server", .cpu_percent = 0.01}};
  seen.hot_ranges = HotRanges{.method = "perf events", .note = "", .samples = 1000, .ranges = {}};
  seen.hot_ranges->ranges = {{"/opt/rocm/lib/libhsa-runtime64.so.1.15", 0x9ab00, 608, 0.93,
                              "rocr::core::InterruptSignal::WaitRelaxed()"},
                             {"[kernel]", 0, 0, 0.07, ""}};
  return seen;
}

std::vector<std::vector<GpuState>> gpu_looks(double busy_percent, double mhz, double watts) {
  GpuState gpu;
  gpu.card = "card1";
  gpu.busy_percent = busy_percent, gpu.clock_mhz = mhz, gpu.watts = watts;
  return std::vector<std::vector<GpuState>>(15, {gpu});
}

IdleEvidence quiet() {
  IdleEvidence seen;
  seen.usage = usage(0.02, 0.4);
  seen.gpus = gpu_looks(2, 600, 7);
  seen.workers = {{.pid = 9, .name = "kworker/0:1-events", .cpu_percent = 0.2}};
  return seen;
}

TEST(Diagnose, AQuietServer) {
  const Burn burn = diagnose(quiet());
  EXPECT_EQ(burn.cause, BurnCause::none);
  EXPECT_THAT(burn.evidence, ElementsAre(AllOf(HasSubstr("0.02 % CPU over 15 s"), HasSubstr("it is quiet"))));
  EXPECT_THAT(burn.advice, IsEmpty());
}

TEST(Diagnose, ALoopThatPolls) {
  const Burn burn = diagnose(polling());
  EXPECT_EQ(burn.cause, BurnCause::cpu_spin);
  EXPECT_THAT(burn.evidence, Contains(HasSubstr("182.4 % CPU over 15 s")));
  EXPECT_THAT(burn.evidence, Contains(HasSubstr(R"("hsa-poll" 91.5 %, "hsa-poll" 90.9 %.)")));
  EXPECT_THAT(burn.evidence,
              Contains(HasSubstr("93 % of 1000 samples (perf events) lie in 608 bytes of "
                                 "\"/opt/rocm/lib/libhsa-runtime64.so.1.15\" (offset 0x9ab00–0x9ad60), "
                                 "\"rocr::core::InterruptSignal::WaitRelaxed()\"")));
  EXPECT_THAT(burn.advice, Contains(StartsWith("Freeze the server")));
  EXPECT_THAT(burn.advice,
              Contains(AllOf(StartsWith("What does not help"), HasSubstr("HSA_ENABLE_INTERRUPT"))));
}

TEST(Diagnose, ALoopThatIsNotRocmsGetsNoAdviceForRocm) {
  IdleEvidence seen = polling();
  seen.hot_ranges->ranges = {{"/usr/lib/libspinner.so", 0x1100, 20, 1, "poll()"}};
  const Burn burn = diagnose(seen);
  EXPECT_EQ(burn.cause, BurnCause::cpu_spin);
  EXPECT_THAT(burn.advice, Each(Not(HasSubstr("ROCr"))));
  seen.hot_ranges.reset();  // nobody looked: it may be
  EXPECT_THAT(diagnose(seen).advice, Contains(HasSubstr("ROCr")));
}

TEST(Diagnose, AGpuThatIsHeldAtFullClock) {
  IdleEvidence seen = quiet();
  seen.gpus = gpu_looks(100, 2900, 30.1);
  seen.gpus[3][0].busy_percent = 0;  // one look that missed it
  const Burn burn = diagnose(seen);
  EXPECT_EQ(burn.cause, BurnCause::gpu_pinned);
  EXPECT_THAT(burn.evidence.front(),
              AllOf(HasSubstr("card1 was 100 % busy (median of 15 looks), at 2900 MHz, 30.1 W")));
  EXPECT_THAT(burn.evidence.back(), HasSubstr("0.02 % CPU")) << "and what the processor did";
  EXPECT_THAT(burn.advice, Contains(AllOf(StartsWith("What does not help"), HasSubstr("llama.cpp 19318"))));
}

TEST(Diagnose, ABusyDesktopIsNoPinnedGpu) {
  IdleEvidence seen = quiet();
  seen.gpus = gpu_looks(12, 800, 9);
  for (int i = 0; i < 5; i++)
    seen.gpus[static_cast<size_t>(i)][0].busy_percent = 90;  // the end of the last request
  EXPECT_EQ(diagnose(seen).cause, BurnCause::none);
  seen.gpus.clear();
  EXPECT_EQ(diagnose(seen).cause, BurnCause::none);
}

TEST(Diagnose, WorkersOfTheKernelThatNeverEnd) {
  IdleEvidence seen = quiet();
  // The work wanders between workers of its queue.
  seen.workers = {{.pid = 77, .name = "kworker/13:0+events_freezable", .cpu_percent = 61},
                  {.pid = 78, .name = "kworker/13:1-events_freezable", .cpu_percent = 38},
                  {.pid = 12, .name = "ksoftirqd/3", .cpu_percent = 30}};
  const Burn burn = diagnose(seen);
  EXPECT_EQ(burn.cause, BurnCause::kernel_worker);
  EXPECT_THAT(burn.evidence.front(),
              AllOf(HasSubstr("of queue \"events_freezable\" used 99.0 % CPU"), HasSubstr("process 77")));
  EXPECT_THAT(burn.advice, Contains(HasSubstr("TheRock 7956")));
}

TEST(Diagnose, OfTwoBurnsNamesTheDearerAndShowsBoth) {
  IdleEvidence seen = polling();
  seen.gpus = gpu_looks(100, 2900, 30);
  const Burn burn = diagnose(seen);
  EXPECT_EQ(burn.cause, BurnCause::gpu_pinned) << "some 23 W, against 7 of two cores";
  EXPECT_THAT(burn.evidence.front(), HasSubstr("card1"));
  EXPECT_THAT(burn.evidence, Contains(HasSubstr("182.4 % CPU")));
  EXPECT_THAT(burn.advice, AllOf(Contains(StartsWith("End the server's process")),
                                 Contains(StartsWith("Freeze the server"))));
}

TEST(Diagnose, ATimerIsNoBurnButIsSaid) {
  IdleEvidence seen = quiet();
  seen.usage = usage(0.3, 50.1);
  seen.usage.threads = {
      {.pid = 1, .tid = 2, .name = "waker", .cpu_percent = 0.3, .wakeups_per_second = 50.1}};
  const Burn burn = diagnose(seen);
  EXPECT_EQ(burn.cause, BurnCause::none);
  EXPECT_THAT(burn.evidence, ElementsAre(AllOf(HasSubstr("woke 50.1 times a second (\"waker\" 50.1/s)"),
                                               HasSubstr("no burn"))));
}

TEST(Diagnose, NamesTheCauses) {
  EXPECT_EQ(name_of(BurnCause::none), "none");
  EXPECT_EQ(name_of(BurnCause::cpu_spin), "cpu_spin");
  EXPECT_EQ(name_of(BurnCause::gpu_pinned), "gpu_pinned");
  EXPECT_EQ(name_of(BurnCause::kernel_worker), "kernel_worker");
}

}  // namespace
}  // namespace halcyon::probe
