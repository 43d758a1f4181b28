// A model without weights for tests of the engine: each byte is a token, and the next token is what a script
// says.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "engine/engine.h"

namespace halcyon::test {

using backend::Token;

inline constexpr Token kEnd = 256;    // "<|im_end|>", ends a generation
inline constexpr Token kStart = 257;  // "<|im_start|>"
inline constexpr Token kBos = 258;    // "<s>"
inline constexpr int32_t kVocab = 259;

/// Ids 0 to 255 are the bytes.
tokenizer::Tokenizer byte_tokenizer(bool add_bos = false, std::string chat_template = "");

std::vector<Token> bytes(std::string_view text);

/// What the model does, shared between the test and the executable in the engine.
struct Script {
  /// The token that follows `past`: it alone has a logit of 10, all others 0.
  std::function<Token(std::span<const Token> past)> next;

  // Read these when no request is running.
  std::vector<size_t> steps;                           ///< tokens of each step
  std::vector<size_t> widths;                          ///< sequences of each step
  std::map<backend::SeqId, std::vector<Token>> pasts;  ///< of all sequences in memory
  std::vector<Token> past;                             ///< of the one evaluated last

  int fail_at = -1;        ///< the step (0, 1, …) that fails
  int nan_at = -1;         ///< the step whose logits are NaN
  bool recurrent = false;  ///< the memory goes back to snapshots only
  std::vector<int32_t> snapshots;

  /// Steps wait while held.
  void hold();
  void release();
  void await_step();  ///< until a step waits

  std::mutex mutex;
  std::condition_variable changed;
  bool held = false, waiting = false;
};

/// Says `answer` after a prompt of the same length as `prompt`, then the end.
std::function<Token(std::span<const Token>)> say(std::string_view prompt, std::string_view answer);

struct FakeOptions {
  int32_t n_ctx = 64, n_batch = 8, n_parallel = 1;
  bool add_bos = false;
  std::string chat_template = {};
  std::shared_ptr<energy::Ledger> ledger = nullptr;
};
std::unique_ptr<engine::Engine> fake_engine(const std::shared_ptr<Script>& script,
                                            const FakeOptions& options = {});

/// For the likeliest tokens.
engine::Request request(std::string_view prompt, int32_t max_tokens = -1);

/// All of a generation.
struct Answer {
  std::string text;
  std::vector<std::string> pieces;
  std::vector<Token> tokens;
  engine::Finish finish;
};
Answer collect(engine::Generation& generation);

}  // namespace halcyon::test
