// What comes back from a request: a stream of events that ends with the reason and the price.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "energy/joules.h"
#include "engine/logprobs.h"

namespace halcyon::engine {

enum class FinishReason {
  stop,       ///< an end-of-generation token, or a stop string
  length,     ///< max_tokens, or the context is full
  cancelled,  ///< by cancel() or the engine's end
  error,      ///< of the backend, say
};

/// Names as in llama-server's `timings`. CPU time is that of all threads in the steps of the model, shared
/// among the requests of a step by the tokens that each has in it.
struct Timings {
  int32_t prompt_n = 0;  ///< prompt tokens evaluated
  int32_t cache_n = 0;   ///< prompt tokens reused from an earlier request
  double prompt_ms = 0;  ///< from the first look at the prompt to the first sampled token
  double prompt_cpu_ms = 0;
  int32_t predicted_n = 0;  ///< tokens sampled, an end-of-generation token included
  double predicted_ms = 0;  ///< from the first sampled token to the end: predicted_n - 1 evaluations
  double predicted_cpu_ms = 0;

  /// The part of its steps' energy that is the request's, by tokens computed.
  struct Energy {
    energy::Price price;
    std::string source;     ///< "RAPL package-0", or the constants of an estimate
    bool measured = false;  ///< false: estimated
  };
  std::optional<Energy> energy;  ///< in the last event, if the engine has a ledger
};

struct Finish {
  FinishReason reason = FinishReason::stop;
  std::string stop_string;       ///< the one that ended the text, if one did
  std::optional<Error> error;    ///< if that is the reason
  std::vector<float> embedding;  ///< [n_embd], of length 1, if that was asked for
  Timings timings;
};

/// One token and the text it completes, or the end.
struct Event {
  std::string text;            ///< whole UTF-8 characters; empty while more tokens are needed to know them
  std::optional<Token> token;  ///< absent in the last event
  std::optional<Logprobs> logprobs;  ///< if the request wants them
  std::optional<Finish> finish;      ///< only in the last event, which may bring the last text
};

struct Job;

/// The caller's end of a running request. Dropping it cancels the request.
class Generation {
 public:
  explicit Generation(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  /// Waits for the next event; nothing after the last one. For one thread at a time.
  std::optional<Event> next();

  /// The next event if it is there already; nothing, too, after the last one.
  std::optional<Event> poll();

  /// Ends the request before the next step of the model, or when the next event is taken if it waits for
  /// that. From any thread, and from a signal handler.
  void cancel();

  uint64_t id() const;    ///< of the request, counted by the engine from 1
  uint64_t seed() const;  ///< that the sampler uses, to repeat this text

 private:
  std::shared_ptr<Job> job_;
};

}  // namespace halcyon::engine
