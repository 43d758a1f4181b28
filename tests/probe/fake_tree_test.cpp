// Kernels and processes that are hard to come by, as made-up /proc trees.
#include <gmock/gmock.h>

#include "probe/proc.h"
#include "probe/process_tree.h"
#include "tests/probe/fake_proc.h"

namespace halcyon::probe {
namespace {

using test::FakeProc;
using testing::HasSubstr;

TEST(ProcStat, ReadsNamesWithSpacesAndParentheses) {
  const auto stat =
      parse_stat("42 (tmux: (a) b) S 7 42 42 0 -1 4194304 1 0 0 0 250 50 10 20 20 0 3 0 815 1 1");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "tmux: (a) b");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->cpu_ns, 3'000'000'000);
  EXPECT_EQ(stat->children_cpu_ns, 300'000'000);
  EXPECT_EQ(stat->threads, 3);
  EXPECT_EQ(stat->start_time, 815);
}

TEST(ProcStat, RefusesWhatIsNone) {
  for (const char* text : {"", "42", "42 (x", ")42 (", "42 (x) ", "42 (x) S 1 2 3",
                           "42 (x) SS 7 42 42 0 -1 4 1 0 0 0 2 5 1 2 20 0 3 0 8",
                           "42 (x) S a b c d e f g h i j k l m n o p q r s"})
    EXPECT_FALSE(parse_stat(text)) << text;
}

class FakeTree : public testing::Test {
 protected:
  /// A thread, with its schedstat "cpu wait times".
  void thread(pid_t pid, pid_t tid, FakeProc::Process stat, const std::string& schedstat, int wakeups) const {
    const std::string folder = fmt::format("/proc/{}/task/{}", pid, tid);
    proc_.stat(folder, tid, stat);
    if (!schedstat.empty()) proc_.write(folder + "/schedstat", schedstat);
    proc_.write(folder + "/status", fmt::format("Name:\t{}\nUmask:\t0022\nvoluntary_ctxt_switches:\t{}\n"
                                                "nonvoluntary_ctxt_switches:\t99\n",
                                                stat.name, wakeups));
  }
  FakeProc proc_;
};

TEST_F(FakeTree, HasThreadsWithTheSchedulersOwnAccount) {
  proc_.process(600, {.name = "server", .cpu_ticks = 100, .threads = 2});
  proc_.write("/proc/600/statm", "9999 25 3 1 0 4 0\n");
  thread(600, 600, {.name = "server"}, "400000123 5 7\n", 3);
  thread(600, 601, {.name = "hsa poll"}, "600000456 5 9\n", 4);
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(600, proc_.root()));
  ASSERT_OK_AND_ASSIGN(const TreeState state, tree.state());
  ASSERT_EQ(state.threads.size(), 2U);
  EXPECT_EQ(state.threads[1].tid, 601);
  EXPECT_EQ(state.threads[1].name, "hsa poll");
  EXPECT_EQ(state.threads[1].cpu_ns, 600'000'456);
  EXPECT_EQ(state.threads[1].wakeups, 4);
  EXPECT_EQ(state.processes[0].cpu_ns, 1'000'000'000);
  EXPECT_EQ(state.rss_bytes, 25 * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
}

TEST_F(FakeTree, FallsBackToClockTicks) {
  // Without CONFIG_SCHED_INFO there is no schedstat; without delay accounting it is all zeros on newer
  // kernels.
  for (const char* schedstat : {"", "0 0 0\n"}) {
    proc_.process(600, {});
    thread(600, 600, {.cpu_ticks = 150}, schedstat, 3);
    ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(600, proc_.root()));
    ASSERT_OK_AND_ASSIGN(const TreeState first, tree.state());
    EXPECT_EQ(first.threads[0].cpu_ns, 1'500'000'000);
    thread(600, 600, {.cpu_ticks = 152}, schedstat, 8);
    ASSERT_OK_AND_ASSIGN(const TreeState second, tree.state());
    EXPECT_EQ(second.threads[0].cpu_ns, 1'520'000'000);
    EXPECT_EQ(second.threads[0].wakeups, 8);
  }
}

TEST_F(FakeTree, FollowsAThreadThatRunsOnAndOneWhoseIdIsReused) {
  proc_.process(600, {});
  thread(600, 600, {.start_time = 100}, "1000 0 10\n", 3);
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(600, proc_.root()));
  ASSERT_OK(tree.state());
  thread(600, 600, {.start_time = 100}, "5000 0 10\n", 3);  // on its core since
  ASSERT_OK_AND_ASSIGN(const TreeState running, tree.state());
  EXPECT_EQ(running.threads[0].cpu_ns, 5000);
  thread(600, 600, {.name = "renamed", .start_time = 100}, "6000 0 12\n", 5);
  ASSERT_OK_AND_ASSIGN(const TreeState woken, tree.state());
  EXPECT_EQ(woken.threads[0].name, "renamed");
  EXPECT_EQ(woken.threads[0].wakeups, 5);
  thread(600, 600, {.start_time = 222}, "70 0 1\n", 1);
  ASSERT_OK_AND_ASSIGN(const TreeState reused, tree.state());
  EXPECT_EQ(reused.threads[0].start_time, 222);
  EXPECT_EQ(reused.threads[0].cpu_ns, 70);
}

TEST_F(FakeTree, FindsDescendantsWhoseIdsAreSmaller) {
  proc_.process(600, {.parent = 1});
  proc_.process(30, {.parent = 40});
  proc_.process(40, {.parent = 600});
  proc_.process(50, {.parent = 1});
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(600, proc_.root()));
  ASSERT_OK_AND_ASSIGN(const TreeState state, tree.state());
  std::vector<pid_t> pids;
  for (const ProcessState& process : state.processes) pids.push_back(process.pid);
  EXPECT_THAT(pids, testing::UnorderedElementsAre(30, 40, 600));
}

TEST_F(FakeTree, AnotherProcessWithTheSameIdIsNotTheOneThatWasOpened) {
  proc_.process(600, {.start_time = 100});
  ASSERT_OK_AND_ASSIGN(ProcessTree tree, ProcessTree::open(600, proc_.root()));
  proc_.process(600, {.start_time = 200});
  EXPECT_ERROR(tree.state(), HasSubstr("process 600 has ended"));
}

TEST_F(FakeTree, AProcessWhoseFirstThreadHasEndedIsStillThere) {
  proc_.process(600, {.state = 'Z', .threads = 3});
  EXPECT_TRUE(ProcessTree::open(600, proc_.root()));
  proc_.process(600, {.state = 'Z', .threads = 1});
  EXPECT_ERROR(ProcessTree::open(600, proc_.root()), HasSubstr("has ended"));
}

}  // namespace
}  // namespace halcyon::probe
