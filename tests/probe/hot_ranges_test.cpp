// Where a process spins, found by both methods, and what is left of the process afterwards.
#include "probe/hot_ranges.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

#include "probe/proc.h"
#include "probe/process_tree.h"
#include "probe/sampler.h"
#include "tests/probe/burner_process.h"
#include "tests/probe/fake_proc.h"
#include "tests/support/support.h"

namespace halcyon::probe {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::Burner;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

/// The first error of a sampler that this machine does not allow, for a test to be skipped with.
#define SAMPLE_OR_SKIP(declaration, ...)                                                                     \
  auto HALCYON_CONCAT(sample_, __LINE__) = (__VA_ARGS__);                                                    \
  if (!HALCYON_CONCAT(sample_, __LINE__)) GTEST_SKIP() << HALCYON_CONCAT(sample_, __LINE__).error().message; \
  declaration = *std::move(HALCYON_CONCAT(sample_, __LINE__))

/// The states of a process's threads: S, R, t (stopped by a tracer), T …
std::set<char> thread_states(pid_t pid) {
  const std::string folder = fmt::format("/proc/{}/task", pid);
  std::set<char> states;
  for (const pid_t tid : ids_in({}, folder))
    if (const auto stat = read_stat({}, fmt::format("{}/{}", folder, tid))) states.insert(stat->state);
  return states;
}

std::vector<std::string> spinning(int percent = 100) {
  return {"--percent", std::to_string(percent), "--name", "hsa-poll"};
}

class HotRangesBy : public testing::TestWithParam<SampleMethod> {};

TEST_P(HotRangesBy, NamesTheFunctionInTheLibrary) {
  Burner burner(spinning());
  SAMPLE_OR_SKIP(const HotRanges hot,
                 sample_hot_ranges(burner.pid(), burner.threads_named("hsa-poll"), 1s, GetParam()));
  ASSERT_FALSE(hot.ranges.empty());
  const HotRange& hottest = hot.ranges.front();
  EXPECT_THAT(hottest.object, EndsWith("libspinner.so"));
  EXPECT_THAT(hottest.symbol, HasSubstr("spinner::poll_completion_queue("));
  EXPECT_GT(hottest.share, 0.5);
  EXPECT_GT(hottest.offset, 0U);
  EXPECT_LT(hottest.size, 200U) << "it is a short loop";
  EXPECT_EQ(hot.method, GetParam() == SampleMethod::ptrace ? "ptrace" : "perf events");
  double shares = 0;
  for (const HotRange& range : hot.ranges) shares += range.share;
  EXPECT_NEAR(shares, 1, 1e-9);
}

TEST_P(HotRangesBy, WithoutSymbolsIsOneRangeOfTheFile) {
  // The same library with its section headers taken away, which only linkers and debuggers need.
  const test::TemporaryDir folder;
  const fs::path library = folder.path() / "libspinner.so";
  std::string bytes = test::read_file(fs::path(test::spinner_folder()) / "libspinner.so");
  bytes.replace(0x28, 8, 8, '\0');  // e_shoff
  bytes.replace(0x3c, 4, 4, '\0');  // e_shnum, e_shstrndx
  test::write_file(library, bytes);
  Burner burner(spinning(), {"LD_LIBRARY_PATH=" + folder.path().string()});
  SAMPLE_OR_SKIP(const HotRanges hot,
                 sample_hot_ranges(burner.pid(), burner.threads_named("hsa-poll"), 1s, GetParam()));
  ASSERT_FALSE(hot.ranges.empty());
  EXPECT_EQ(hot.ranges.front().object, library.string());
  EXPECT_EQ(hot.ranges.front().symbol, "");
  EXPECT_GT(hot.ranges.front().share, 0.5);
  EXPECT_LT(hot.ranges.front().size, 200U);
}

TEST_P(HotRangesBy, OfALibraryThatWasReplacedAreNotNamedAfterTheNewOne) {
  const test::TemporaryDir folder;
  const fs::path library = folder.path() / "libspinner.so";
  fs::copy(fs::path(test::spinner_folder()) / "libspinner.so", library);
  Burner burner(spinning(), {"LD_LIBRARY_PATH=" + folder.path().string()});
  fs::rename(library, folder.path() / "moved");
  fs::remove(folder.path() / "moved");
  test::write_file(library, "an update");
  SAMPLE_OR_SKIP(const HotRanges hot,
                 sample_hot_ranges(burner.pid(), burner.threads_named("hsa-poll"), 500ms, GetParam()));
  ASSERT_FALSE(hot.ranges.empty());
  EXPECT_THAT(hot.ranges.front().object, EndsWith(" (deleted)"));
  if (::access(fmt::format("/proc/{}/map_files", burner.pid()).c_str(), R_OK) == 0 && ::geteuid() == 0) {
    EXPECT_THAT(hot.ranges.front().symbol, HasSubstr("poll_completion_queue")) << "root reads what is mapped";
  } else {
    EXPECT_EQ(hot.ranges.front().symbol, "");
  }
}

TEST_P(HotRangesBy, OfThreadsThatSleepAreNoneAndTheyAreNotWoken) {
  Burner burner({"--sleepers", "3"});
  const std::vector<pid_t> sleepers = burner.threads_named("sleeper");
  ASSERT_EQ(sleepers.size(), 3U);
  for (int tries = 0; tries < 1000 && thread_states(burner.pid()) != std::set{'S'}; tries++)
    std::this_thread::sleep_for(10ms);
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(burner.pid()));
  ASSERT_OK_AND_ASSIGN(const TreeState before, tree.state());
  SAMPLE_OR_SKIP(const HotRanges hot, sample_hot_ranges(burner.pid(), sleepers, 300ms, GetParam()));
  ASSERT_OK_AND_ASSIGN(const TreeState after, tree.state());
  EXPECT_EQ(hot.samples, 0U);
  EXPECT_THAT(hot.ranges, IsEmpty());
  for (const Usage::Thread& thread : usage_between(before, after).threads)
    EXPECT_EQ(thread.wakeups_per_second, 0) << thread.name;
}

TEST_P(HotRangesBy, OfThreadsThatHaveEndedAreNone) {
  Burner burner(spinning());
  SAMPLE_OR_SKIP(const HotRanges hot, sample_hot_ranges(burner.pid(), {4'000'000}, 50ms, GetParam()));
  EXPECT_EQ(hot.samples, 0U);
}

TEST_P(HotRangesBy, AStopEndsItEarly) {
  Burner burner(spinning());
  std::stop_source stop;
  stop.request_stop();
  SAMPLE_OR_SKIP(const HotRanges hot, sample_hot_ranges(burner.pid(), burner.threads_named("hsa-poll"), 1h,
                                                        GetParam(), stop.get_token()));
  EXPECT_LT(hot.samples, 1000u);
}

INSTANTIATE_TEST_SUITE_P(HotRanges, HotRangesBy,
                         testing::Values(SampleMethod::perf_events, SampleMethod::ptrace),
                         [](const auto& test) {
                           return test.param == SampleMethod::ptrace ? "ptrace" : "perf_events";
                         });

// ---- what ptrace must not do

#define SKIP_WITHOUT_PTRACE(burner)                                                 \
  if (auto probe = sample_by_ptrace((burner).pid(), {(burner).pid()}, 1ms); !probe) \
  GTEST_SKIP() << probe.error().message

TEST(Ptrace, AKilledSamplerLeavesNothingStopped) {
  Burner burner({"--percent", "180", "--threads", "2", "--name", "hsa-poll"});
  SKIP_WITHOUT_PTRACE(burner);
  const std::vector<pid_t> tids = burner.threads_named("hsa-poll");
  for (int kill = 0; kill < 10; kill++) {
    const pid_t sampler = ::fork();
    if (sampler == 0) {
      (void)sample_by_ptrace(burner.pid(), tids, 60s);
      ::_exit(0);
    }
    std::this_thread::sleep_for(20ms + kill * 1370us);
    ::kill(sampler, SIGKILL);
    ::waitpid(sampler, nullptr, 0);
    EXPECT_FALSE(thread_states(burner.pid()).contains('t'));
  }
  const test::Truth before = burner.truth();
  std::this_thread::sleep_for(200ms);
  EXPECT_GT(burner.truth().cpu_ns, before.cpu_ns) << "it burns on";
}

TEST(Ptrace, SignalsArriveWhileItSamples) {
  Burner burner({"--percent", "100"});
  SKIP_WITHOUT_PTRACE(burner);
  const std::vector<pid_t> tids = ids_in({}, fmt::format("/proc/{}/task", burner.pid()));
  Result<Samples> samples;
  std::thread sampler([&] { samples = sample_by_ptrace(burner.pid(), tids, 1s); });
  for (int i = 0; i < 20; i++) burner.truth();  // SIGUSR1, and an answer to each
  ::kill(burner.pid(), SIGSTOP);
  std::this_thread::sleep_for(100ms);
  const std::set<char> while_stopped = thread_states(burner.pid());
  EXPECT_FALSE(while_stopped.contains('R'));
  sampler.join();
  // The kernel wakes them from the one stop into the other.
  std::set<char> states;
  for (int tries = 0; tries < 1000 && states != std::set{'T'}; tries++) {
    std::this_thread::sleep_for(10ms);
    states = thread_states(burner.pid());
  }
  EXPECT_EQ(states, std::set{'T'}) << "SIGSTOP holds beyond the sampling";
  ::kill(burner.pid(), SIGCONT);
  burner.truth();
  ASSERT_OK(samples);
}

TEST(Ptrace, AProcessThatEndsMeanwhileIsNoError) {
  auto burner = std::make_unique<Burner>(spinning());
  SKIP_WITHOUT_PTRACE(*burner);
  Result<Samples> samples;
  std::thread sampler([&, pid = burner->pid(), tids = burner->threads_named("hsa-poll")] {
    samples = sample_by_ptrace(pid, tids, 400ms);
  });
  std::this_thread::sleep_for(100ms);
  ::kill(burner->pid(), SIGKILL);
  sampler.join();
  EXPECT_TRUE(samples);
}

// ---- refusals

TEST(HotRanges, OfNoProcessAreAnError) {
  EXPECT_ERROR(sample_hot_ranges(4'000'000, {4'000'000}, 10ms), HasSubstr("there is no process 4000000"));
}

TEST(HotRanges, OfAnotherUsersProcessAreAnErrorThatSaysWhatToDo) {
  if (::geteuid() != 0) {
    EXPECT_ERROR(sample_hot_ranges(1, {1}, 10ms), AllOf(HasSubstr("belongs to root"), HasSubstr("sudo")));
    return;
  }
  Burner burner(spinning());
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(1);
    const auto hot = sample_hot_ranges(burner.pid(), {burner.pid()}, 10ms);
    const auto traced = sample_by_ptrace(burner.pid(), {burner.pid()}, 10ms);
    const auto perf = sample_by_perf_events({burner.pid()}, 10ms);
    for (const std::string& text : {hot ? "" : hot.error().message, traced ? "" : traced.error().message,
                                    perf ? "" : perf.error().message})
      (void)!::write(pipe[1], (text + "\n").data(), text.size() + 1);
    ::_exit(0);
  }
  ::close(pipe[1]);
  std::string said;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(pipe[0], buffer.data(), buffer.size())) > 0;)
    said.append(buffer.data(), static_cast<size_t>(n));
  ::close(pipe[0]);
  ::waitpid(child, nullptr, 0);
  std::string_view lines = said;
  EXPECT_THAT(std::string(take_until(lines, '\n')),
              AllOf(HasSubstr("belongs to root"), HasSubstr("memory map"), HasSubstr("sudo")));
  EXPECT_THAT(std::string(take_until(lines, '\n')), AllOf(HasSubstr("belongs to root"), HasSubstr("sudo")));
  EXPECT_THAT(std::string(take_until(lines, '\n')), HasSubstr("CAP_PERFMON"));
}

TEST(Refusals, NameTheSettingOfTheSystem) {
  const test::FakeProc proc;
  proc.write("/proc/77/status", "Name:\tx\nTracerPid:\t0\n");
  proc.write("/proc/sys/kernel/yama/ptrace_scope", "1\n");
  EXPECT_THAT(ptrace_refusal(77, proc.root()),
              AllOf(HasSubstr("ptrace_scope is 1"), HasSubstr("halcyon measure -- COMMAND")));
  proc.write("/proc/sys/kernel/yama/ptrace_scope", "2\n");
  EXPECT_THAT(ptrace_refusal(77, proc.root()),
              AllOf(HasSubstr("ptrace_scope is 2"), HasSubstr("CAP_SYS_PTRACE")));
  proc.write("/proc/sys/kernel/yama/ptrace_scope", "3\n");
  EXPECT_THAT(ptrace_refusal(77, proc.root()), HasSubstr("until the next boot"));
  proc.write("/proc/sys/kernel/yama/ptrace_scope", "0\n");
  EXPECT_THAT(ptrace_refusal(77, proc.root()), HasSubstr("--cap-add SYS_PTRACE"));
  proc.write("/proc/77/status", "Name:\tx\nTracerPid:\t88\n");
  EXPECT_THAT(ptrace_refusal(77, proc.root()), HasSubstr("traced already, by 88"));

  proc.write("/proc/sys/kernel/perf_event_paranoid", "4\n");
  EXPECT_THAT(perf_refusal(EACCES, proc.root()),
              AllOf(HasSubstr("perf_event_paranoid is 4"), HasSubstr("sysctl")));
  proc.write("/proc/sys/kernel/perf_event_paranoid", "2\n");
  EXPECT_THAT(perf_refusal(EACCES, proc.root()), HasSubstr("CAP_PERFMON"));
  EXPECT_THAT(perf_refusal(ENOSYS, proc.root()), HasSubstr("no perf events"));
  EXPECT_THAT(perf_refusal(ENOBUFS, proc.root()), HasSubstr("perf_event_mlock_kb"));
}

}  // namespace
}  // namespace halcyon::probe
