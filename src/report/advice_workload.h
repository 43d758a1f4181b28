// What is asked of a server in a day.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/advice_candidate.h"

namespace halcyon::report {

struct Workload {
  std::string name;           ///< "chat", "server", "batch", or "custom"
  double tokens_per_day = 0;  ///< generated
  double burst_tokens = 0;    ///< generated between two pauses
  double prompt_tokens = 0;   ///< read before each burst; 0: prefill is left out
  double hours_per_day = 24;  ///< in which the server is wanted; a resident one ends with them
  std::optional<double> latency_seconds =
      {};  ///< the longest wait that may be added to an answer; absent: any
};

/// The workloads that have a name: one person who chats for two hours a day, a server around the clock that
/// is idle for more than 95 % of it, and one long job a day.
std::span<const Workload> presets();

/// A workload as it is given in a file or on the command line. What is absent is the preset's.
struct WorkloadRequest {
  std::optional<std::string> preset = {};
  std::optional<double> tokens_per_day = {}, busy_share = {}, burst_tokens = {}, prompt_tokens = {},
                        hours_per_day = {}, latency_seconds = {};
};

/// A number of a WorkloadRequest: its key in a file, its option, and what it may be.
struct WorkloadField {
  std::string_view key, option, unit, help;
  std::optional<double> WorkloadRequest::*member;
  double low, high;
};
std::span<const WorkloadField> workload_fields();

/// The workload that is asked for. A preset on the command line replaces what the file says; single figures
/// of the command line replace single ones. A busy share is that of the fastest candidate. With nothing
/// given, it is the server's.
Result<Workload> resolve(const WorkloadRequest& file, const WorkloadRequest& command_line,
                         std::span<const Candidate> candidates);

}  // namespace halcyon::report
