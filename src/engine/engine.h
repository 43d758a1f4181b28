// The engine of one model: takes requests, streams tokens, and sleeps while there is nothing to do.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "engine/chat.h"
#include "engine/generation.h"
#include "engine/sampler.h"
#include "engine/sequence.h"
#include "gguf/gguf.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::engine {

class Stopwatch;

struct EngineOptions {
  int32_t n_ctx = 0;      ///< positions; 0: what the model was trained for, but at most 4096
  int32_t n_batch = 256;  ///< prompt tokens of one step
  backend::KvType kv = backend::KvType::f16;
  std::function<void(double)> progress;  ///< told the fraction of the weights that are loaded, 0 to 1
};

struct Request {
  std::vector<Token> prompt;  ///< at least one token
  int32_t max_tokens = -1;    ///< -1: until the model ends its text or the context is full
  SamplingParams sampling;
  std::vector<std::string> stop;  ///< texts that end the answer and are not part of it
};

/// The positions of a context, from what the user wants (0: no wish) and what the model was trained for.
Result<int32_t> choose_context(const gguf::Metadata& metadata, int32_t wanted);

/// Works on one request at a time, in the order of submission. All methods may be called from any thread.
class Engine {
 public:
  /// Reads the vocabulary and the chat template, builds the model and compiles it for `device`.
  static Result<std::unique_ptr<Engine>> load(const gguf::File& file, backend::Device& device,
                                              const EngineOptions& options);

  /// An engine of parts that are there already.
  static Result<std::unique_ptr<Engine>> create(tokenizer::Tokenizer tokenizer, model::Config config,
                                                std::unique_ptr<backend::Executable> executable);

  /// Cancels what is running and waiting.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Queues a request. Fails if it can't be done: an empty prompt, one longer than the context, tokens
  /// outside the vocabulary, parameters out of range. The generation may outlive the engine.
  Result<std::shared_ptr<Generation>> submit(Request request);

  /// The tokens of a conversation, up to where the assistant's answer begins. `messages` is an array of
  /// {"role": …, "content": …}.
  Result<std::vector<Token>> chat_prompt(const nlohmann::ordered_json& messages) const;

  const tokenizer::Tokenizer& tokenizer() const { return tokenizer_; }
  const model::Config& config() const { return config_; }
  int32_t n_ctx() const { return executable_->options().n_ctx; }
  const backend::Executable& executable() const { return *executable_; }

 private:
  Engine(tokenizer::Tokenizer tokenizer, model::Config config,
         std::unique_ptr<backend::Executable> executable);

  void work();  ///< the engine's thread
  void process(Job& job);
  Result<FinishReason> generate(Job& job, Stopwatch& stopwatch);
  bool interrupted(const Job& job) const;
  void finish_cancelled();  ///< among the waiting requests

  const tokenizer::Tokenizer tokenizer_;
  const Result<ChatTemplate> chat_;  ///< a model without a usable template still completes text
  const model::Config config_;
  const std::unique_ptr<backend::Executable> executable_;
  Sequence sequence_;  ///< used by the engine's thread alone

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> queue_;  // guarded by mutex_
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace halcyon::engine
