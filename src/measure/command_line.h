// The words of a command that starts a server.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace halcyon::measure {

/// The words with spaces between, and *** in place of keys, tokens and passwords: for documents.
std::string without_secrets(const std::vector<std::string>& command);

/// Fails if a shell would not find the program either.
Result<void> look_up(const std::string& program);

}  // namespace halcyon::measure
