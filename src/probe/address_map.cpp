#include "probe/address_map.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/proc.h"

namespace halcyon::probe {

std::vector<Mapping> parse_maps(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty()) {  // "7f2c8000-7f2c9000 r-xp 00001000 fd:01 4711     /usr/lib/libc.so.6"
    std::string_view line = take_until(text, '\n');
    std::string_view addresses = take_word(line);
    const auto begin = to_number<uint64_t>(take_until(addresses, '-'), 16);
    const auto end = to_number<uint64_t>(addresses, 16);
    const std::string_view rights = take_word(line);
    const auto offset = to_number<uint64_t>(take_word(line), 16);
    take_word(line);  // device
    const auto inode = to_number<uint64_t>(take_word(line));
    if (!begin || !end || !offset || !inode || rights.size() < 3 || rights[2] != 'x') continue;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    mappings.push_back({*begin, *end, *offset, *inode, std::string(line)});
  }
  return mappings;
}

Result<std::vector<Mapping>> executable_mappings(pid_t pid, const SystemRoot& root) {
  const auto text = root.text(fmt::format("/proc/{}/maps", pid));
  if (text) return parse_maps(*text);
  if (!read_stat(root, fmt::format("/proc/{}", pid))) return fail("there is no process {}", pid);
  return fail("process {} belongs to {} and its memory map can't be read: run as that user, or with sudo",
              pid, owner_of(root, pid));
}

int open_mapped_file(pid_t pid, const Mapping& mapping) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  const std::string exact = fmt::format("/proc/{}/map_files/{:x}-{:x}", pid, mapping.begin, mapping.end);
  int fd = ::open(exact.c_str(), kFlags);
  if (fd < 0) fd = ::open(fmt::format("/proc/{}/root{}", pid, mapping.path).c_str(), kFlags);
  if (fd < 0) return -1;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_ino == mapping.inode) return fd;
  ::close(fd);
  return -1;
}

}  // namespace halcyon::probe
