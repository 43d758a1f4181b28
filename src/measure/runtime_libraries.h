// Which libraries a server computes with: their versions are half of what a measurement depends on.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>

#include "base/system_root.h"

namespace halcyon::measure {

/// The GPU, compute and model libraries that these processes have mapped: name ("libhsa-runtime64") →
/// version, as far as the file's name has it ("1.18.70204"), and size ("unversioned, 12345678 bytes").
std::map<std::string, std::string> runtime_libraries(const std::set<pid_t>& pids,
                                                     const SystemRoot& root = {});

}  // namespace halcyon::measure
