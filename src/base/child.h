// Waiting for child processes without polling.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace halcyon {

/// Sleeps until the child `pid` has ended, for at most `longest`. It is still to be waited for (waitpid)
/// then. False: it has not ended. Kernels before 5.3 cannot tell: there it always takes all of the time.
bool wait_until_ended(pid_t pid, std::chrono::milliseconds longest);

}  // namespace halcyon
