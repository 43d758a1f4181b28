// What requests of Ollama's API have in common.
#pragma once

#include <optional>
#include <string>

#include "serve/generation_exchange.h"
#include "serve/model_field.h"

namespace halcyon::serve {

struct OllamaRequest {
  AnswerPlan plan;
  std::string name;                       ///< of the model, as the client wrote it
  engine::Request request;                ///< but for its prompt
  std::optional<int32_t> num_ctx;         ///< the context that the client counts on
  std::optional<bool> think;              ///< none: as the model is used to
  Json template_values = Json::object();  ///< what the chat template sees besides the messages
};

/// Reads "model", "keep_alive" and "options", which every request may have.
Outcome<OllamaRequest> read_ollama(Fields& fields, const Services& services);

/// Reads what requests for text may have besides: "stream", "format", "think", "logprobs".
void read_ollama_text(Fields& fields, const ModelInfo& info, OllamaRequest& request);

/// Fails if the client counts on a larger context than that of the engine.
Outcome<void> check_num_ctx(const OllamaRequest& request, const engine::Engine& engine);

/// A model's name as Ollama has it: with a tag always.
std::string ollama_name(const ModelInfo& info);

/// Nanoseconds, as durations are in Ollama's answers.
int64_t nanoseconds_of(double milliseconds);

}  // namespace halcyon::serve
