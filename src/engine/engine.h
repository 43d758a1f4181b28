// The engine of one model: takes requests, streams tokens, and sleeps while there is nothing to do.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backend/backend.h"
#include "base/result.h"
#include "engine/chat.h"
#include "engine/generation.h"
#include "engine/request.h"
#include "engine/scheduler.h"
#include "engine/stats.h"
#include "engine/wakeup.h"
#include "gguf/gguf.h"
#include "grammar/vocabulary.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::engine {

struct EngineOptions {
  int32_t n_ctx = 0;       ///< positions of a request; 0: what the model was trained for, but at most 4096
  int32_t n_parallel = 1;  ///< requests that are in work at once
  int32_t n_batch = 256;   ///< tokens of one step
  backend::KvType kv = backend::KvType::f16;
  std::shared_ptr<energy::Ledger> ledger;  ///< prices the answers; nullptr: they have no price
  std::function<void(double)> progress;    ///< told the fraction of the weights that are loaded, 0 to 1
};

/// The positions of a context, from what the user wants (0: no wish) and what the model was trained for.
Result<int32_t> choose_context(const gguf::Metadata& metadata, int32_t wanted);

/// Bytes that a model is going to take once all its memory is used: weights, keys and values, recurrent
/// states. 0 if the file is no model; loading it says why.
uint64_t memory_needed(const gguf::File& file, const EngineOptions& options);

/// Works on n_parallel requests at once, in the order of submission, clients taking turns. All methods may be
/// called from any thread.
class Engine {
 public:
  /// Reads the vocabulary and the chat template, builds the model and compiles it for `device`.
  static Result<std::unique_ptr<Engine>> load(const gguf::File& file, backend::Device& device,
                                              const EngineOptions& options);

  /// An engine of parts that are there already.
  static Result<std::unique_ptr<Engine>> create(tokenizer::Tokenizer tokenizer, model::Config config,
                                                std::unique_ptr<backend::Executable> executable,
                                                int32_t n_parallel,
                                                std::shared_ptr<energy::Ledger> ledger = nullptr);

  /// Cancels what is running and waiting.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Queues a request. Fails if it can't be done: an empty prompt, one longer than the context, tokens
  /// outside the vocabulary, parameters out of range. The generation may outlive the engine.
  Result<std::shared_ptr<Generation>> submit(Request request);

  /// The text of a conversation, up to where the assistant's answer begins. `messages` is an array of
  /// {"role": …, "content": …}; `more` is what else the template is to see, such as "tools".
  Result<std::string> chat_text(const nlohmann::ordered_json& messages,
                                const nlohmann::ordered_json& more = nlohmann::ordered_json::object()) const;

  /// Its tokens.
  Result<std::vector<Token>> chat_prompt(const nlohmann::ordered_json& messages) const;

  /// As of the last step that has ended.
  Stats stats() const;

  const tokenizer::Tokenizer& tokenizer() const { return tokenizer_; }
  const model::Config& config() const { return config_; }
  int32_t n_ctx() const { return executable_->options().n_ctx; }
  const backend::Executable& executable() const { return *executable_; }

 private:
  Engine(tokenizer::Tokenizer tokenizer, model::Config config,
         std::unique_ptr<backend::Executable> executable, int32_t n_parallel,
         std::shared_ptr<energy::Ledger> ledger);

  void work();  ///< the engine's thread
  void take_submitted();
  void publish();
  const grammar::Vocabulary& vocabulary();

  const tokenizer::Tokenizer tokenizer_;
  const Result<ChatTemplate> chat_;  ///< a model without a usable template still completes text
  const model::Config config_;
  const std::unique_ptr<backend::Executable> executable_;
  std::once_flag vocabulary_made_;
  std::unique_ptr<const grammar::Vocabulary> vocabulary_;
  Scheduler scheduler_;  ///< used by the engine's thread alone

  const std::shared_ptr<Wakeup> wakeup_ = std::make_shared<Wakeup>();
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Job>> submitted_;  // guarded by mutex_
  Stats stats_;                                 // likewise
  uint64_t n_submitted_ = 0;                    // likewise
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace halcyon::engine
