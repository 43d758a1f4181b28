// What the three kinds of servers have in common for someone who measures them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measure/http_client.h"

namespace halcyon::measure {

struct Prompt {
  std::string text;
  bool raw = false;             ///< without the model's chat template, where there is a choice
  std::vector<int32_t> tokens;  ///< instead of the text, of servers that have tokenize()
};

struct GenerateOptions {
  int max_tokens = 1;
  bool ignore_eos = true;  ///< go on to max_tokens, where the server has a way to ask for that
};

/// One answer: tokens as the server counts them, times of this clock.
struct Generation {
  std::string refused;                  ///< not empty: the server answered, and would not: what it said
  std::optional<int> prompt_tokens;     ///< that were evaluated: without those from a cache
  std::optional<int> generated_tokens;  ///< empty: the server gave no usage
  int cached_tokens = 0;                ///< of the prompt
  int pieces = 0;                       ///< events with text; one has one token or more
  Clock::time_point sent, first, last;  ///< the request, the first and the last piece
  std::optional<double> server_prefill_tps, server_decode_tps;  ///< what the server says of itself
  bool finished = false;                                        ///< there was an event that said so
};

using OnFirst = std::function<void()>;  ///< called as the first piece arrives

/// A server whose API is known. One thread at a time.
class Dialect {
 public:
  virtual ~Dialect() = default;

  virtual std::string_view name() const = 0;  ///< "llama-server", "ollama", "openai"

  /// The models that can be asked for.
  virtual Result<std::vector<std::string>> models() = 0;

  /// Those that are in memory; nothing if the server does not tell.
  virtual std::optional<std::vector<std::string>> loaded_models() { return std::nullopt; }

  void choose(std::string model) { model_ = std::move(model); }
  const std::string& model() const { return model_; }

  /// Has the model loaded if it is not, with as little work as the dialect allows.
  virtual Result<void> load() = 0;

  virtual std::string version() { return ""; }                   ///< of the server; empty: unknown
  virtual std::string model_file() { return ""; }                ///< or its digest; empty: unknown
  virtual std::optional<int> context() { return std::nullopt; }  ///< positions of a request; empty: unknown

  /// The tokens of a text; none if the server does not tell.
  virtual std::optional<std::vector<int32_t>> tokenize(std::string_view) { return std::nullopt; }

  /// A whole answer, streamed. Fails if it ends early, is no answer, or takes too long; the message says
  /// after how many pieces.
  virtual Result<Generation> generate(const Prompt& prompt, const GenerateOptions& options,
                                      const OnFirst& on_first) = 0;

 protected:
  std::string model_;
};

/// What came of asking a server what it is.
struct Detection {
  enum class State {
    ready,    ///< `dialect` is there
    silent,   ///< nobody answers
    loading,  ///< it says that it is not ready yet
    locked,   ///< it wants another key
    unknown,  ///< it answers, but not as any of the three
  } state = State::silent;
  std::unique_ptr<Dialect> dialect;
  std::string why;  ///< how it was recognised, or what is wrong
};

/// The names of the dialects, in the order in which detect() asks for them.
std::vector<std::string> dialect_names();

/// Asks with GET requests that no server works for. `wanted`: one of the names, or "auto". The client has to
/// outlive the dialect.
Detection detect(HttpClient& client, std::string_view wanted);

}  // namespace halcyon::measure
