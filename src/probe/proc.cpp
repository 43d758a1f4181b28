#include "probe/proc.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/quote.h"

namespace halcyon::probe {
namespace {

uint64_t ticks_to_ns(uint64_t ticks) {
  static const uint64_t ns_per_tick = 1'000'000'000 / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  return ticks * ns_per_tick;
}

}  // namespace

std::string_view take_until(std::string_view& text, char separator) {
  const size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  return word;
}

std::optional<ProcStat> parse_stat(std::string_view text) {
  // The name may contain spaces and parentheses; it ends at the last one.
  const size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  ProcStat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  std::string_view rest = text.substr(close + 1);
  const std::string_view state = take_word(rest);
  if (state.size() != 1) return std::nullopt;
  stat.state = state[0];

  std::array<int64_t, 19> fields{};  // from the 4th, the parent, to the 22nd, the start time
  for (int64_t& field : fields) {
    const auto number = to_number<int64_t>(take_word(rest));
    if (!number) return std::nullopt;
    field = *number;
  }
  const auto field = [&](size_t number) { return fields[number - 4]; };  // numbered as in proc(5)
  stat.parent = static_cast<pid_t>(field(4));
  stat.flags = static_cast<uint32_t>(field(9));
  stat.cpu_ns = ticks_to_ns(static_cast<uint64_t>(field(14) + field(15)));
  stat.children_cpu_ns = ticks_to_ns(static_cast<uint64_t>(field(16) + field(17)));
  stat.threads = field(20);
  stat.start_time = static_cast<uint64_t>(field(22));
  return stat;
}

Result<ProcStat> read_stat(const SystemRoot& root, const std::string& folder) {
  TRY(const std::string text, root.text(folder + "/stat"));
  std::optional<ProcStat> stat = parse_stat(text);
  if (!stat) return fail("{}/stat: {} is not what proc(5) says", folder, quote(text));
  return *std::move(stat);
}

std::vector<pid_t> ids_in(const SystemRoot& root, std::string_view folder) {
  std::vector<pid_t> ids;
  for (const std::string& name : root.names(folder))
    if (const auto id = to_number<pid_t>(name)) ids.push_back(*id);
  std::ranges::sort(ids);
  return ids;
}

std::string owner_of(const SystemRoot& root, pid_t pid) {
  struct stat info {};
  if (::stat(root.at(fmt::format("/proc/{}", pid)).c_str(), &info) != 0) return "another user";
  std::array<char, 4096> buffer;
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(info.st_uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found)
    return found->pw_name;
  return fmt::format("user {}", info.st_uid);
}

}  // namespace halcyon::probe
