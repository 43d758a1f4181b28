#include "measure/figures.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <thread>

#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;
using namespace std::chrono_literals;

/// 128 tokens after a prompt of 512: 1 s to the first, 2 s to the last.
Generation generation() {
  Generation g;
  g.prompt_tokens = 512;
  g.generated_tokens = 128;
  g.pieces = 128;
  g.sent = Clock::time_point(100s);
  g.first = g.sent + 1s;
  g.last = g.first + 2s;
  g.finished = true;
  return g;
}

TEST(Figures, OfNoValuesAreNotKnown) {
  EXPECT_EQ(median({}), std::nullopt);
  EXPECT_EQ(mean({}), std::nullopt);
  EXPECT_EQ(stddev(std::vector{1.0}), std::nullopt);
}

TEST(Figures, MedianMeanAndSampleDeviation) {
  EXPECT_THAT(median({3, 1, 2}), Optional(2.0));
  EXPECT_THAT(median({4, 1, 2, 3}), Optional(2.5));
  EXPECT_THAT(mean(std::vector{1.0, 2.0, 6.0}), Optional(3.0));
  EXPECT_THAT(stddev(std::vector{2.0, 4.0, 6.0}), Optional(2.0));
}

TEST(Figures, ThePromptCountsUpToTheFirstTokenAndTheRestFromThere) {
  EXPECT_THAT(prefill_tps(generation()), Optional(512.0));
  EXPECT_THAT(decode_tps(generation()), Optional(63.5)) << "the first token belongs to the prompt";
}

TEST(Figures, WithoutUsageOrInOnePieceThereIsNoTelling) {
  Generation g = generation();
  g.prompt_tokens.reset();
  EXPECT_EQ(prefill_tps(g), std::nullopt);
  g = generation();
  g.pieces = 1;
  g.last = g.first;
  EXPECT_EQ(decode_tps(g), std::nullopt);
  g = generation();
  g.last = g.first + 1ms;
  EXPECT_EQ(decode_tps(g), std::nullopt) << "127 tokens in a millisecond: they were ready before";
}

TEST(Figures, WithoutUsagePiecesAreCountedAndItIsSaid) {
  Generation g = generation();
  g.generated_tokens.reset();
  EXPECT_EQ(generated(g), 128);
  EXPECT_THAT(contradiction(g, 128), HasSubstr("no usage"));
}

TEST(Figures, ACountThatCannotBeIsSaid) {
  Generation g = generation();
  EXPECT_EQ(contradiction(g, 128), "");
  g.generated_tokens = 256;
  EXPECT_THAT(contradiction(g, 128), HasSubstr("though at most 128 were asked for"));
  g.generated_tokens = 64;
  EXPECT_THAT(contradiction(g, 128), HasSubstr("sent 128 pieces"));
  g.generated_tokens = 128;
  g.pieces = 60;  // several tokens a piece: speculation
  EXPECT_EQ(contradiction(g, 128), "");
}

TEST(Figures, RatesThatDifferAreBothShown) {
  EXPECT_EQ(disagreement(100, 96), "");
  EXPECT_EQ(disagreement(std::nullopt, 96), "");
  EXPECT_EQ(disagreement(100, std::nullopt), "");
  EXPECT_EQ(disagreement(100, 80), "the server says 100 t/s, this clock 80: 20 % apart");
}

/// A machine without any sensor and a server that uses what it is told to.
class IdleWindow : public testing::Test {
 protected:
  Sample sample(double at, double cpu_seconds, uint64_t wakeups,
                std::optional<double> gpu_busy = std::nullopt) {
    Sample sample;
    sample.at =
        Clock::time_point(std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at)));
    sample.energy = {
        .at = sample.at, .joules = std::vector<double>(recorder.meter().sensors().size()), .watts = {}};
    sample.energy.joules.back() = 4 * cpu_seconds;
    probe::TreeState tree = {.at = sample.at, .processes = {}, .threads = {}, .rss_bytes = 454'000'000};
    const auto ns = static_cast<uint64_t>(std::llround(cpu_seconds * 1e9));
    tree.processes.push_back({.pid = 7, .start_time = 1, .cpu_ns = ns});
    tree.threads.push_back({.pid = 7, .tid = 7, .start_time = 1, .name = "main", .cpu_ns = 0, .wakeups = 0});
    tree.threads.push_back(
        {.pid = 7, .tid = 8, .start_time = 1, .name = "hsa-poll", .cpu_ns = ns, .wakeups = wakeups});
    sample.tree = std::move(tree);
    if (gpu_busy) {
      probe::GpuState& gpu = sample.gpus.emplace_back();
      gpu.card = "card0";
      gpu.busy_percent = gpu_busy;
      gpu.clock_mhz = 2900;
    }
    return sample;
  }

  test::TemporaryDir empty_;
  Recorder recorder{{.root = SystemRoot(empty_.path())}};
};

TEST_F(IdleWindow, HasEachSecondAndEachThread) {
  const std::vector<Sample> samples = {sample(0, 10, 0), sample(1, 12, 50), sample(2, 13, 150)};
  const report::IdleWindow window = idle_window(recorder, samples);
  EXPECT_DOUBLE_EQ(window.seconds, 2);
  EXPECT_NEAR(*window.cpu_percent, 150, 1e-6);
  EXPECT_NEAR(*window.wakeups_per_second, 75, 1e-6);
  EXPECT_EQ(window.rss_bytes, 454'000'000);
  EXPECT_NEAR(*window.watts, 6, 1e-6) << "1.5 cores at 4 W";
  EXPECT_EQ(window.gpu_busy_percent, std::nullopt);
  ASSERT_THAT(window.series, SizeIs(2));
  EXPECT_NEAR(*window.series[0].cpu_percent, 200, 1e-6);
  EXPECT_NEAR(*window.series[1].cpu_percent, 100, 1e-6);
  EXPECT_DOUBLE_EQ(window.series[1].at, 2);
  EXPECT_EQ(window.series[1].rss_bytes, 454'000'000);
  ASSERT_THAT(window.threads, SizeIs(1)) << "the main thread did nothing";
  EXPECT_EQ(window.threads[0].name, "hsa-poll");
}

TEST_F(IdleWindow, WithoutAProcessItHasWhatTheMachineShows) {
  std::vector<Sample> samples = {sample(0, 0, 0, 90), sample(1, 0, 0, 100)};
  for (Sample& s : samples) s.tree.reset();
  const report::IdleWindow window = idle_window(recorder, samples);
  EXPECT_EQ(window.cpu_percent, std::nullopt);
  EXPECT_EQ(window.rss_bytes, std::nullopt);
  EXPECT_THAT(window.threads, IsEmpty());
  EXPECT_THAT(window.gpu_busy_percent, Optional(95.0));
  EXPECT_THAT(window.gpu_clock_mhz, Optional(2900.0));
}

TEST(Recorder, AnEstimateNamesItsConstants) {
  const test::TemporaryDir empty;
  const Recorder cpu({.root = SystemRoot(empty.path()), .watts_per_core = 5});
  EXPECT_FALSE(cpu.energy_measured());
  EXPECT_THAT(cpu.energy_source(), HasSubstr("5 W"));
  const Recorder gpu({.root = SystemRoot(empty.path()), .gpu_watts = 40});
  EXPECT_THAT(gpu.energy_source(), HasSubstr("GPU at 40 W while it works"));
}

TEST(Recorder, AGpuThatNobodySeesCostsWhatTheUserSaysWhileItWorks) {
  const test::TemporaryDir empty;
  const Recorder recorder({.root = SystemRoot(empty.path()), .gpu_watts = 40});
  Sample from, to;
  from.energy.joules = to.energy.joules = std::vector<double>(recorder.meter().sensors().size());
  to.at = from.at + 2s;
  EXPECT_EQ(recorder.joules(from, to, true), 80);
  EXPECT_EQ(recorder.joules(from, to, false), 0);
}

TEST(Recorder, WithoutTheProcessTheEstimateOfItsCpuTimeIsNone) {
  const test::TemporaryDir empty;
  Recorder recorder({.root = SystemRoot(empty.path())});
  const Sample before = recorder.sample();
  EXPECT_TRUE(recorder.joules(before, recorder.sample(), false)) << "nothing is started yet: 0 J";
  recorder.watch(std::nullopt);
  const Sample after = recorder.sample();
  EXPECT_FALSE(after.tree);
  EXPECT_EQ(recorder.joules(after, recorder.sample(), true), std::nullopt);
  EXPECT_EQ(recorder.lost(), std::nullopt);
  EXPECT_EQ(idle_window(recorder, std::vector{after, recorder.sample()}).watts, std::nullopt);

  Recorder machine({.root = SystemRoot(empty.path()), .whole_machine = true});
  machine.watch(std::nullopt);
  EXPECT_TRUE(machine.estimates_machine());
  EXPECT_TRUE(machine.joules(machine.sample(), machine.sample(), true));
}

TEST(Recorder, NoticesThatTheProcessEnded) {
  const test::TemporaryDir empty;
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  Recorder recorder({.root = SystemRoot(empty.path())});
  ASSERT_OK_AND_ASSIGN(probe::ProcessTree tree, probe::ProcessTree::open(child));
  recorder.watch(std::move(tree));
  const Sample alive = recorder.sample();
  EXPECT_TRUE(recorder.joules(alive, recorder.sample(), true));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(recorder.joules(alive, recorder.sample(), true), std::nullopt);
  EXPECT_EQ(recorder.lost(), child);
}

TEST(Recorder, SamplesUntilItIsStopped) {
  Recorder recorder({});
  ASSERT_OK_AND_ASSIGN(probe::ProcessTree tree, probe::ProcessTree::open(::getpid()));
  recorder.watch(std::move(tree));
  recorder.start(1ms);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(2ms);
    recorder.sample();
  }
  const std::vector<Sample> samples = recorder.stop();
  EXPECT_GE(samples.size(), 3U);
  EXPECT_TRUE(samples.front().tree);
  EXPECT_GT(recorder.peak_rss(), 0U);
  EXPECT_THAT(recorder.stop(), SizeIs(1)) << "a recording begins anew";
}

}  // namespace
}  // namespace halcyon::measure
