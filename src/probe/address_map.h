// What is mapped into a process, from addresses to files.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/system_root.h"

namespace halcyon::probe {

struct Mapping {
  uint64_t begin = 0, end = 0;  ///< addresses
  uint64_t offset = 0;          ///< of `begin` in the file
  uint64_t inode = 0;           ///< 0 if it is no file
  std::string path;             ///< "/usr/lib/libc.so.6", "[vdso]", "" for anonymous memory

  bool contains(uint64_t address) const { return begin <= address && address < end; }
};

/// The executable mappings in the text of /proc/PID/maps. Lines that make no sense are left out.
std::vector<Mapping> parse_maps(std::string_view text);

/// Reads them. Fails if the process has ended, or may not be looked into.
Result<std::vector<Mapping>> executable_mappings(pid_t pid, const SystemRoot& root = {});

/// Opens the file behind a mapping as the process sees it: in its container, and even if it has been replaced
/// or deleted (that one needs CAP_SYS_ADMIN). The descriptor is the caller's; -1 if it can't be opened, or is
/// no longer the same file.
int open_mapped_file(pid_t pid, const Mapping& mapping);

}  // namespace halcyon::probe
