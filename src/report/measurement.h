// What one measurement of one server found: the document `measurement.json`, described in
// docs/MEASUREMENT.md and docs/measurement.schema.json.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace halcyon::report {

inline constexpr int kSchemaVersion = 1;

// What is not known is an empty optional or an empty text, and null in the document. Doubles are finite.

/// Rates of repeated runs. All in tokens per second.
struct Rates {
  int tokens = 0;  ///< of the prompt, or generated
  std::vector<double> tps;
  std::optional<double> median_tps, mean_tps, stddev_tps;  ///< of `tps`; empty if there are none
  std::optional<double> server_tps;  ///< the median of what the server itself says, where it does
  std::string note;                  ///< "cancelled", "the server and this clock disagree by 12 %"
};

/// A window in which nothing was asked of the server.
struct IdleWindow {
  double seconds = 0;
  std::optional<double> cpu_percent;  ///< of one core, whole process tree; mean of the window
  std::optional<double> wakeups_per_second;
  std::optional<uint64_t> rss_bytes;       ///< at the end
  std::optional<double> watts;             ///< of the machine (billed sensors)
  std::optional<double> gpu_busy_percent;  ///< of the busiest GPU
  std::optional<double> gpu_clock_mhz;
  struct Second {
    double at = 0;  ///< seconds since the window began, at the end of this second
    std::optional<double> cpu_percent, wakeups_per_second;
    std::optional<double> watts, gpu_busy_percent;
    std::optional<uint64_t> rss_bytes;
    std::optional<double> gpu_clock_mhz;
  };
  std::vector<Second> series;  ///< once a second
  struct Thread {
    int64_t pid = 0, tid = 0;
    std::string name;
    double cpu_percent = 0, wakeups_per_second = 0;
  };
  std::vector<Thread> threads;  ///< busiest first, those above 0.05 %
};

/// One of the task prompts.
struct Task {
  std::string name;
  int prompt_tokens = 0, generated_tokens = 0;
  std::optional<double> prompt_tps, tps;
  double seconds = 0;
  std::optional<double> joules;
  std::string error;  ///< empty if it went well
};

struct HotRange {
  std::string object;
  uint64_t offset = 0, size = 0;
  std::optional<double> share;  ///< of the samples, 0 to 1
  std::string symbol;
};

struct Measurement {
  std::string id;          ///< of the history: "20260531-142233-1a2b" (make_id()); empty: none yet
  std::string started_at;  ///< RFC 3339, UTC: "2026-05-31T14:22:33Z"
  std::string protocol;    ///< "quick" or "full"; empty: typed in
  bool complete = false;   ///< false: it was cut short; `problems` says why
  std::vector<std::string> problems;

  struct Target {
    std::string name;  ///< what the user calls it, or the model at the server
    std::string url, dialect, model;
    std::string command;  ///< empty: it ran already
    std::optional<int64_t> pid;
  } target;

  /// Kernel, CPU, GPU driver, firmware, server, runtime libraries (by file name), model: name → version. What
  /// a comparison over time needs.
  std::map<std::string, std::string> versions;

  struct Machine {
    std::string cpu;
    std::optional<int> cores;  ///< logical
    std::optional<uint64_t> memory_bytes;
    struct Gpu {
      std::string name;
      std::optional<uint64_t> vram_bytes, gtt_bytes;
    };
    std::vector<Gpu> gpus;
  } machine;

  struct Memory {
    std::optional<uint64_t> rss_before_load, rss_after_load, rss_peak;
    std::optional<uint64_t> vram_used, gtt_used;
  } memory;

  std::optional<double> load_seconds;

  struct Idle {
    std::optional<IdleWindow> before;  ///< the machine before the server ran (no process: watts and GPU only)
    std::optional<IdleWindow> after_load, after_generation;
  } idle;

  struct Throughput {
    std::vector<Rates> prefill;
    struct Decode {
      int tokens = 0;
      std::optional<double> cold_tps, warm_tps;  ///< warm: the median
      std::optional<double> warm_mean_tps, warm_stddev_tps;
      std::vector<double> warm;  ///< each repetition
      std::optional<double> server_tps;
      std::optional<double> cpu_percent;  ///< of the server while it generates
    } decode;
  } throughput;

  struct Energy {
    std::string source;     ///< with the constants, if estimated
    bool measured = false;  ///< false: an estimate
    struct PerToken {
      std::optional<double> prefill, decode;
    };
    PerToken j_per_token;                     ///< gross
    PerToken j_per_token_above_idle;          ///< above `idle_watts`
    std::optional<double> idle_watts;         ///< the machine without the server
    std::optional<double> active_watts;       ///< gross, while generating
    std::optional<double> server_idle_watts;  ///< what the resident, idle server adds
  } energy;

  struct Burn {
    std::string cause;  ///< none, cpu_spin, gpu_pinned, kernel_worker; empty: not looked for
    std::vector<std::string> evidence, advice;
    std::string method;  ///< how the hot ranges were found
    std::vector<HotRange> hot_ranges;
  } burn;

  std::vector<Task> tasks;
};

nlohmann::ordered_json to_json(const Measurement& measurement);

/// Reads a document of this schema version; nothing in it is trusted. Members that this version does not know
/// are passed over. The error names the member that is wrong, or says that the document is of a newer
/// version.
Result<Measurement> from_json(const nlohmann::ordered_json& document);

/// The document as text, indented, with a line feed at its end. Bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Measurement& measurement);

/// Parses a document; `where` is put in front of messages. At most 16 MiB.
Result<Measurement> parse_measurement(std::string_view text, const std::string& where);

/// Reads a file such as measurement.json.
Result<Measurement> load_measurement(const std::string& path);

/// When it began and, so that two of the same second differ, 16 bits of a hash of the document without its
/// id: "20260531-142233-1a2b". The same document has the same id wherever it is added.
std::string make_id(const Measurement& measurement);

bool is_id(std::string_view text);    ///< whether it has the form of an id
bool is_time(std::string_view text);  ///< whether it has the form of `started_at`

}  // namespace halcyon::report
