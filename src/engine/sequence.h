// The sequence that the engine keeps between requests, so that a prompt that begins like the last one is not
// evaluated again.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace halcyon::engine {

using backend::Token;

class Sequence {
 public:
  explicit Sequence(backend::Executable& executable) : executable_(executable) {}

  /// Forgets what `prompt` does not begin with, and at least its last token: its logits are yet to come.
  /// Afterwards tokens() is a beginning of the prompt.
  Result<void> rewind(std::span<const Token> prompt);

  /// Appends tokens, at most n_batch, and evaluates them. The logits are those after the last one; empty
  /// unless wanted.
  Result<std::span<const float>> evaluate(std::span<const Token> tokens, bool want_logits);

  /// Remembers the present state for later rewinds, if the model can't go back anywhere.
  void snapshot();

  std::span<const Token> tokens() const { return tokens_; }  ///< evaluated so far

 private:
  backend::Executable& executable_;
  std::optional<backend::SeqId> id_;
  std::vector<Token> tokens_;
};

}  // namespace halcyon::engine
