// Reading /proc/PID: what the modules of this folder share.
#pragma once

#include <sys/types.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::probe {

/// Of /proc/PID/stat or /proc/PID/task/TID/stat; see proc(5).
struct ProcStat {
  std::string name;
  char state = 0;  ///< R runs, S sleeps, Z has ended and its parent has not asked for it yet, …
  pid_t parent = 0;
  uint32_t flags = 0;
  int64_t threads = 0;
  uint64_t start_time = 0;                   ///< clock ticks since boot
  uint64_t cpu_ns = 0, children_cpu_ns = 0;  ///< to clock ticks; of children that were waited for

  /// No thread of it is left. (With its first thread ended and others at work, the state is Z as well.)
  bool ended() const { return (state == 'Z' || state == 'X') && threads <= 1; }
  bool of_kernel() const { return (flags & 0x00200000) != 0; }  ///< PF_KTHREAD of the kernel's sched.h
};

std::optional<ProcStat> parse_stat(std::string_view text);

/// Fails if the file can't be read or is not such a file.
Result<ProcStat> read_stat(const SystemRoot& root, const std::string& folder);

/// The whole of `text` as a number.
template <class T>
std::optional<T> to_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The names in a folder that are numbers: the processes in "/proc", the threads in "/proc/PID/task". Sorted.
std::vector<pid_t> ids_in(const SystemRoot& root, std::string_view folder);

/// `text` up to the next `separator`, or all of it; removed from `text` with the separator.
std::string_view take_until(std::string_view& text, char separator);

/// The next word between spaces and tabs, removed from `text`; empty at the end.
std::string_view take_word(std::string_view& text);

/// The user to whom a process belongs, as a name or "user 1000"; "another user" if there is no such process.
std::string owner_of(const SystemRoot& root, pid_t pid);

}  // namespace halcyon::probe
