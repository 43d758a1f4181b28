#include "probe/process_tree.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "probe/proc.h"

namespace halcyon::probe {
namespace {

std::string folder_of(pid_t pid) { return fmt::format("/proc/{}", pid); }

/// CPU time of all threads of a process with those that have ended, in ns; /proc/PID/stat has it to 10 ms.
/// Needs no permission.
std::optional<uint64_t> process_clock(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return std::nullopt;
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

/// The line of /proc/PID/status that begins with `key`, without it.
std::string_view status_line(std::string_view status, std::string_view key) {
  while (!status.empty()) {
    std::string_view line = take_until(status, '\n');
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return {};
}

uint64_t resident_bytes(const SystemRoot& root, pid_t pid) {
  static const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto text = root.text(folder_of(pid) + "/statm");
  if (!text) return 0;
  std::string_view words = *text;
  take_word(words);  // all of its address space
  return to_number<uint64_t>(take_word(words)).value_or(0) * page;
}

/// What counters that only grow gained. They may seem to lose a little where two sources are compared.
uint64_t gained(uint64_t from, uint64_t to) { return to > from ? to - from : 0; }

}  // namespace

Usage usage_between(const TreeState& from, const TreeState& to) {
  Usage usage;
  usage.seconds = std::chrono::duration<double>(to.at - from.at).count();
  usage.rss_bytes = to.rss_bytes;
  if (usage.seconds <= 0) return usage;
  const auto percent = [&](uint64_t cpu_ns) { return static_cast<double>(cpu_ns) / 1e7 / usage.seconds; };

  uint64_t cpu_ns = 0;
  std::map<std::pair<pid_t, uint64_t>, uint64_t> before;  // what processes had used at first
  for (const ProcessState& process : from.processes)
    before[{process.pid, process.start_time}] = process.cpu_ns;
  for (const ProcessState& process : to.processes) {
    const auto known = before.extract({process.pid, process.start_time});
    cpu_ns += gained(known ? known.mapped() : 0, process.cpu_ns);
  }
  // The rest has ended. Its parents were credited with all it ever used, of which this is old.
  uint64_t old_ns = 0;
  for (const auto& [process, used_ns] : before) old_ns += used_ns;
  cpu_ns += gained(from.ended_cpu_ns + old_ns, to.ended_cpu_ns);
  usage.cpu_percent = percent(cpu_ns);

  std::map<std::pair<pid_t, uint64_t>, const ThreadState*> threads_before;
  for (const ThreadState& thread : from.threads) threads_before[{thread.tid, thread.start_time}] = &thread;
  uint64_t wakeups = 0, threads_ns = 0;
  for (const ThreadState& thread : to.threads) {
    static const ThreadState unborn;
    const auto known = threads_before.find({thread.tid, thread.start_time});
    const ThreadState& then = known == threads_before.end() ? unborn : *known->second;
    const uint64_t used_ns = gained(then.cpu_ns, thread.cpu_ns);
    const uint64_t woken = gained(then.wakeups, thread.wakeups);
    threads_ns += used_ns;
    wakeups += woken;
    usage.threads.push_back({.pid = thread.pid,
                             .tid = thread.tid,
                             .name = thread.name,
                             .cpu_percent = percent(used_ns),
                             .wakeups_per_second = static_cast<double>(woken) / usage.seconds});
  }
  std::ranges::stable_sort(usage.threads, std::greater{}, &Usage::Thread::cpu_percent);
  usage.wakeups_per_second = static_cast<double>(wakeups) / usage.seconds;
  usage.ended_cpu_percent = percent(gained(threads_ns, cpu_ns));
  return usage;
}

ProcessTree::ProcessTree(pid_t pid, SystemRoot root) : pid_(pid), root_(std::move(root)) {
  std::error_code error;
  own_proc_ = std::filesystem::read_symlink(root_.at("/proc/self"), error) == std::to_string(::getpid()) &&
              root_.at("/") == "/";
}

Result<ProcessTree> ProcessTree::open(pid_t pid, const SystemRoot& root) {
  ProcessTree tree(pid, root);
  const Result<ProcStat> stat = read_stat(root, folder_of(pid));
  if (!stat && tree.own_proc_ && process_clock(pid))
    return fail(
        "process {} is hidden from this user (/proc is mounted with hidepid): run as its owner or with sudo",
        pid);
  if (!stat) return fail("there is no process {}", pid);
  if (stat->ended()) return fail("process {} has ended", pid);
  tree.members_[pid].start_time = stat->start_time;
  return tree;
}

/// Members are looked for among processes that were not there before only: a process gets its parent at
/// birth, and another one only when that ends.
void ProcessTree::find_members() {
  const std::vector<pid_t> now = ids_in(root_, "/proc");
  const auto gone = [&](pid_t pid) { return !std::ranges::binary_search(now, pid); };
  std::erase_if(others_, gone);
  std::erase_if(members_, [&](const auto& member) { return gone(member.first); });

  std::vector<std::pair<pid_t, ProcStat>> unknown;
  for (const pid_t pid : now) {
    if (members_.contains(pid) || others_.contains(pid)) continue;
    if (auto stat = read_stat(root_, folder_of(pid))) unknown.emplace_back(pid, *std::move(stat));
  }
  // A child's id may be smaller than its parent's: once more for as long as one was found.
  for (size_t before = 0; before != unknown.size();) {
    before = unknown.size();
    std::erase_if(unknown, [&](const auto& process) {
      const auto& [pid, stat] = process;
      const bool ours = members_.contains(stat.parent);
      if (ours) members_[pid].start_time = stat.start_time;
      return ours;
    });
  }
  for (const auto& [pid, stat] : unknown) others_.insert(pid);
}

/// False if the thread is gone.
bool ProcessTree::read_thread(const std::string& folder, Thread& thread) const {
  const auto schedstat = root_.text(folder + "/schedstat");  // ns on a core, ns waiting for one, times
  std::string_view words = schedstat ? std::string_view(*schedstat) : std::string_view();
  const auto cpu_ns = to_number<uint64_t>(take_word(words));
  take_word(words);
  // 0 where the kernel does not account for it: no thread exists that has never run.
  const uint64_t times_run = to_number<uint64_t>(take_word(words)).value_or(0);
  const bool accounted = cpu_ns && times_run > 0;

  ThreadState& state = thread.state;
  const bool same =
      accounted && thread.times_run > 0 && times_run >= thread.times_run && *cpu_ns >= state.cpu_ns;
  if (same && times_run == thread.times_run) {  // it has not slept since: it may still be on its core
    state.cpu_ns = *cpu_ns;
    return true;
  }
  if (!same) {
    const auto stat = read_stat(root_, folder);
    if (!stat) return false;
    state.start_time = stat->start_time;
    state.cpu_ns = stat->cpu_ns;
  }
  if (accounted) state.cpu_ns = *cpu_ns;
  thread.times_run = times_run;
  const auto status = root_.text(folder + "/status");
  if (!status) return false;
  std::string_view name = status_line(*status, "Name:"),
                   wakeups = status_line(*status, "voluntary_ctxt_switches:");
  state.name = name.substr(std::min<size_t>(1, name.size()));  // after the tab
  state.wakeups = to_number<uint64_t>(take_word(wakeups)).value_or(0);
  return true;
}

void ProcessTree::read_threads(pid_t pid, Process& process) const {
  const std::string folder = folder_of(pid) + "/task";
  const std::vector<pid_t> tids = ids_in(root_, folder);
  std::erase_if(process.threads,
                [&](const auto& thread) { return !std::ranges::binary_search(tids, thread.first); });
  for (const pid_t tid : tids) {
    Thread& thread = process.threads[tid];
    thread.state.pid = pid;
    thread.state.tid = tid;
    if (!read_thread(fmt::format("{}/{}", folder, tid), thread)) process.threads.erase(tid);
  }
}

Result<TreeState> ProcessTree::state() {
  find_members();
  TreeState state;
  std::erase_if(members_, [&](const auto& member) {
    const auto& [pid, process] = member;
    const auto stat = read_stat(root_, folder_of(pid));
    if (!stat || stat->start_time != process.start_time || (pid == pid_ && stat->ended())) return true;
    state.processes.push_back({.pid = pid, .start_time = stat->start_time, .cpu_ns = stat->cpu_ns});
    state.ended_cpu_ns += stat->children_cpu_ns;
    return false;
  });
  if (!members_.contains(pid_)) return fail("process {} has ended", pid_);

  state.at = Clock::now();
  std::vector<pid_t> active;  // no thread began, ran or ended where the CPU clock stands still
  for (ProcessState& process : state.processes) {
    const auto clock_ns = own_proc_ ? process_clock(process.pid) : std::nullopt;
    process.cpu_ns = clock_ns.value_or(process.cpu_ns);
    if (!clock_ns || std::exchange(members_[process.pid].clock_ns, clock_ns) != clock_ns)
      active.push_back(process.pid);
  }
  for (const pid_t pid : active) read_threads(pid, members_[pid]);
  for (const auto& [pid, process] : members_) {
    for (const auto& [tid, thread] : process.threads) state.threads.push_back(thread.state);
    state.rss_bytes += resident_bytes(root_, pid);
  }
  return state;
}

}  // namespace halcyon::probe
