// What a caller asks of the engine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/sampler.h"
#include "grammar/grammar.h"

namespace halcyon::engine {

struct Request {
  std::vector<Token> prompt;  ///< at least one token
  int32_t max_tokens = -1;    ///< -1: until the model ends its text or the context is full
  SamplingParams sampling;
  std::vector<std::string> stop;                    ///< texts that end the answer and are not part of it
  std::shared_ptr<const grammar::Grammar> grammar;  ///< that the answer has to follow; nullptr: none
  int32_t n_probs =
      -1;  ///< so many most likely tokens with each token, besides its own probability; -1: neither
  bool ignore_eos = false;   ///< tokens that end a generation are never taken
  bool cache_prompt = true;  ///< reuse what an earlier prompt has in common with this one
  bool embedding = false;    ///< wants the embedding of the prompt and no answer
  std::string client;        ///< whose request it is: clients that wait take turns

  /// Called, from the engine's thread, after each event; it must not wait.
  std::function<void()> on_event;
};

}  // namespace halcyon::engine
