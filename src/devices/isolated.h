// Runs foreign code where it can do no harm.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"

namespace halcyon::devices {

/// Runs `body` in a child process and returns the text that it returned. A child that crashes, hangs past
/// `limit` or says more than 4 MiB is an error that says which; its standard output and standard error lead
/// nowhere. Only the thread that calls exists in the child, so call it before there are others that hold
/// locks of a library that `body` uses.
Result<std::string> run_isolated(const std::function<std::string()>& body, std::chrono::milliseconds limit);

}  // namespace halcyon::devices
