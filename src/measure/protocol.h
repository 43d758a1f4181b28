// What is done to one server, in which order, to know what it costs.
//
//   quick  15 s idle before, the start, 15 s idle, a cold generation of 128 tokens, prompts of 16, 128 and
//   512 tokens
//          and generations of 128, three times each, 30 s idle, nine tasks of at most 64 tokens
//   full   prompts of 4096 tokens as well, five times each, tasks of 64 to 2048 tokens
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "measure/recorder.h"
#include "measure/url.h"
#include "report/measurement.h"

namespace halcyon::measure {

struct MeasureOptions {
  std::optional<Url> url;            ///< of the server; empty: `command` tells, or where it listens
  std::optional<pid_t> pid;          ///< of the server; empty: who listens there
  std::vector<std::string> command;  ///< starts it; "{port}" is replaced; empty: it runs already
  std::string model;                 ///< empty: the only one
  std::string name;                  ///< what the measurement is called; empty: as the model
  std::string dialect = "auto";
  bool full = false;
  std::string api_key;
  std::filesystem::path log;  ///< for the output of the command
  std::chrono::milliseconds timeout =
      std::chrono::minutes(5);  ///< to get ready, and for an answer to begin or go on
  RecorderOptions recorder;
  double time_scale = 1;  ///< of all windows of time and intervals; tests are in a hurry
};

/// What someone who waits wants to know. Called from the thread that measures.
struct Observer {
  std::function<void(const std::string& what)> phase;       ///< begins
  std::function<void(const std::string& how_far)> tick;     ///< of the phase, about once a second
  std::function<void(const std::string& what)> problem;     ///< also in the document
  std::function<void(const report::Measurement&)> changed;  ///< a phase has ended: worth saving
};

/// The document of a measurement that begins now: time, id and what the user gave.
report::Measurement new_document(const MeasureOptions& options);

/// Measures until the end, until nothing more can be learned, or until it is stopped. What went wrong is in
/// the document's `problems`; it is complete if nothing did.
report::Measurement measure(const MeasureOptions& options, report::Measurement document,
                            const Observer& observer, const std::stop_token& stop);

}  // namespace halcyon::measure
