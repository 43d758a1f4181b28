// The guard's own small questions to its server.
#pragma once

#include <string>

#include "base/result.h"
#include "guard/asio.h"
#include "guard/machine.h"

namespace halcyon::guard {

struct LocalAnswer {
  int status = 0;
  std::string bytes;  ///< head and body, as they came
};

/// GET from a port of this machine. Fails after `patience`.
Task<Result<LocalAnswer>> local_get(uint16_t port, std::string path, Clock::duration patience);

}  // namespace halcyon::guard
