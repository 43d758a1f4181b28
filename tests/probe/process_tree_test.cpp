// What a process tree does, compared with processes that know what they do.
#include "probe/process_tree.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/probe/burner_process.h"
#include "tests/support/support.h"

namespace halcyon::probe {
namespace {

using namespace std::chrono_literals;
using test::Burner;
using test::Truth;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::SizeIs;

/// What the probe measured over a window, and between which bounds the truth lies. On a quiet machine those
/// are a millisecond apart; on a busy one the burner may be slow to answer.
struct Comparison {
  Usage usage;
  double least_percent = 0, most_percent = 0;
};

Result<Comparison> compare(Burner& burner, std::chrono::milliseconds window) {
  TRY(ProcessTree tree, ProcessTree::open(burner.pid()));
  const Truth before_first = burner.truth();
  TRY(const TreeState first, tree.state());
  const Truth after_first = burner.truth();
  // Once a second as `halcyon measure` does it, since children and threads come and go meanwhile.
  for (auto left = window; left > 0ms; left -= 1s) {
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(left, 1s));
    if (left > 1s) (void)tree.state();
  }
  const Truth before_last = burner.truth();
  TRY(const TreeState last, tree.state());
  const Truth after_last = burner.truth();
  Comparison comparison{.usage = usage_between(first, last)};
  const auto percent = [&](const Truth& from, const Truth& to) {
    return static_cast<double>(to.cpu_ns - from.cpu_ns) / 1e7 / comparison.usage.seconds;
  };
  comparison.least_percent = percent(after_first, before_last);
  comparison.most_percent = percent(before_first, after_last);
  return comparison;
}

/// Within 1 % point per 100 % of the truth, beside what one tick of the scheduler's clock at each end makes.
void expect_truth(const Comparison& comparison, double tick_percent) {
  const auto& [usage, least, most] = comparison;
  EXPECT_GE(usage.cpu_percent, least * 0.99 - tick_percent);
  EXPECT_LE(usage.cpu_percent, most * 1.01 + tick_percent);
}

class KnownShare : public testing::TestWithParam<int> {};

TEST_P(KnownShare, IsMeasuredWithinOnePercent) {
  Burner burner({"--percent", std::to_string(GetParam()), "--threads", "2", "--name", "hsa-poll"});
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, compare(burner, 3s));
  expect_truth(comparison, 0.5);
  if (GetParam() > 0) {
    EXPECT_EQ(comparison.usage.threads.front().name, "hsa-poll");
  }
}

INSTANTIATE_TEST_SUITE_P(ProcessTree, KnownShare, testing::Values(0, 37, 100, 180),
                         testing::PrintToStringParamName());

TEST(ProcessTree, MeasuresFifteenSecondsWithinOnePercent) {
  Burner burner({"--percent", "37"});
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, compare(burner, 15s));
  expect_truth(comparison, 0.1);
}

TEST(ProcessTree, CountsThreadsThatComeAndGo) {
  Burner burner({"--percent", "40", "--by", "short-lived-threads"});
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, compare(burner, 3s));
  expect_truth(comparison, 0.5);
  EXPECT_GT(comparison.usage.ended_cpu_percent, comparison.usage.cpu_percent * 0.9)
      << "no thread lived for long";
}

TEST(ProcessTree, CountsChildrenThatComeAndGo) {
  Burner burner({"--percent", "40", "--by", "children"});
  ASSERT_OK_AND_ASSIGN(const Comparison comparison, compare(burner, 3s));
  expect_truth(comparison, 1);  // parents know what ended children used to 20 ms
}

TEST(ProcessTree, SeesWhatWakesFiftyTimesASecond) {
  Burner burner({"--wakeups", "50"});
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(burner.pid()));
  const Truth from = burner.truth();
  ASSERT_OK_AND_ASSIGN(const TreeState first, tree.state());
  std::this_thread::sleep_for(3s);
  ASSERT_OK_AND_ASSIGN(const TreeState last, tree.state());
  const Truth to = burner.truth();
  const Usage usage = usage_between(first, last);
  EXPECT_NEAR(usage.wakeups_per_second * usage.seconds, static_cast<double>(to.wakeups - from.wakeups), 10);
  const auto waker = std::ranges::find(usage.threads, "waker", &Usage::Thread::name);
  ASSERT_NE(waker, usage.threads.end());
  EXPECT_GT(waker->wakeups_per_second, 40);
  EXPECT_LT(usage.cpu_percent, 5);
}

TEST(ProcessTree, HasTheDescendantsAndKeepsOrphans) {
  // A child, whose own child outlives it.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() == 0) ::sleep(60);
    ::sleep(60);
    ::_exit(0);
  }
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(::getpid()));
  Result<TreeState> state = tree.state();
  for (int tries = 0; state && state->processes.size() < 3 && tries < 1000; tries++) {
    std::this_thread::sleep_for(10ms);
    state = tree.state();
  }
  ASSERT_OK(state);
  ASSERT_THAT(state->processes, SizeIs(3));
  EXPECT_THAT(state->processes, Contains(Field(&ProcessState::pid, child)));
  EXPECT_GT(state->rss_bytes, 1 << 20);
  pid_t grandchild = 0;
  for (const ProcessState& process : state->processes)
    if (process.pid != child && process.pid != ::getpid()) grandchild = process.pid;

  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_OK_AND_ASSIGN(const TreeState after, tree.state());
  EXPECT_THAT(after.processes, SizeIs(2));
  EXPECT_THAT(after.processes, Contains(Field(&ProcessState::pid, grandchild)));
  ::kill(grandchild, SIGKILL);
}

TEST(ProcessTree, SaysWhenTheProcessHasEnded) {
  const pid_t child = ::fork();
  if (child == 0) ::pause();
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(child));
  ASSERT_OK(tree.state());
  ::kill(child, SIGKILL);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);  // a zombie now
  EXPECT_ERROR(tree.state(), HasSubstr("has ended"));
  EXPECT_ERROR(ProcessTree::open(child), HasSubstr("has ended"));
  ::waitpid(child, nullptr, 0);
  EXPECT_ERROR(tree.state(), HasSubstr("has ended"));
  EXPECT_ERROR(ProcessTree::open(child), HasSubstr("there is no process"));
}

TEST(ProcessTree, CostsLittle) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "what a look costs under the sanitizers says nothing";
#endif
  // 200 threads, of which ten run between two looks. Once a second, 0.5 % CPU is 5 ms for each look.
  Burner burner({"--percent", "5", "--threads", "10", "--sleepers", "189"});
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(burner.pid()));
  ASSERT_OK_AND_ASSIGN(const TreeState all, tree.state());
  ASSERT_THAT(all.threads, SizeIs(200));
  const auto cpu_time = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  constexpr int kLooks = 50;
  const double before = cpu_time();
  for (int i = 0; i < kLooks; i++) {
    ASSERT_OK(tree.state());
    std::this_thread::sleep_for(20ms);
  }
  const double seconds = (cpu_time() - before) / kLooks;
  RecordProperty("microseconds_per_look", static_cast<int>(seconds * 1e6));
  EXPECT_LT(seconds, 0.005);
}

// ---- usage between two states: plain arithmetic

TreeState state_at(int seconds) {
  TreeState state;
  state.at = Clock::time_point(std::chrono::seconds(seconds));
  return state;
}

TEST(UsageBetween, TellsReusedIdsApart) {
  TreeState from = state_at(0), to = state_at(10);
  from.processes = {{.pid = 7, .start_time = 100, .cpu_ns = 8'000'000'000}};
  from.threads = {
      {.pid = 7, .tid = 7, .start_time = 100, .name = "old", .cpu_ns = 8'000'000'000, .wakeups = 500}};
  to.processes = {{.pid = 7, .start_time = 999, .cpu_ns = 1'000'000'000}};
  to.threads = {
      {.pid = 7, .tid = 7, .start_time = 999, .name = "new", .cpu_ns = 1'000'000'000, .wakeups = 50}};
  const Usage usage = usage_between(from, to);
  EXPECT_DOUBLE_EQ(usage.cpu_percent, 10);
  EXPECT_DOUBLE_EQ(usage.wakeups_per_second, 5);
}

TEST(UsageBetween, CountsOfAnEndedChildOnlyWhatIsNew) {
  TreeState from = state_at(0), to = state_at(10);
  from.processes = {{.pid = 1, .start_time = 1}, {.pid = 2, .start_time = 2, .cpu_ns = 5'000'000'000}};
  to.processes = {{.pid = 1, .start_time = 1}};
  to.ended_cpu_ns = 6'000'000'000;  // the parent was credited with all of it
  EXPECT_DOUBLE_EQ(usage_between(from, to).cpu_percent, 10);
  to.ended_cpu_ns = 0;  // nobody has waited for it yet, or ever will
  EXPECT_DOUBLE_EQ(usage_between(from, to).cpu_percent, 0);
}

TEST(UsageBetween, SortsThreadsByCpuAndNamesTheRest) {
  TreeState from = state_at(0), to = state_at(1);
  to.processes = {{.pid = 1, .start_time = 1, .cpu_ns = 1'000'000'000}};
  to.threads = {{.pid = 1, .tid = 1, .start_time = 1, .name = "a", .cpu_ns = 100'000'000},
                {.pid = 1, .tid = 2, .start_time = 2, .name = "b", .cpu_ns = 700'000'000}};
  const Usage usage = usage_between(from, to);
  EXPECT_EQ(usage.threads[0].name, "b");
  EXPECT_DOUBLE_EQ(usage.threads[0].cpu_percent, 70);
  EXPECT_DOUBLE_EQ(usage.ended_cpu_percent, 20);
}

TEST(UsageBetween, OfNoTimeIsNothing) { EXPECT_EQ(usage_between(state_at(3), state_at(3)).cpu_percent, 0); }

}  // namespace
}  // namespace halcyon::probe
