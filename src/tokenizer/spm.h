// SentencePiece-style BPE ("llama"): the adjacent pair that makes the token with the highest score merges
// first.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "tokenizer/vocab.h"

namespace halcyon::tokenizer {

class Spm {
 public:
  /// `vocab` has to outlive the object.
  explicit Spm(const Vocab& vocab);

  /// Appends the tokens of `text`, in which spaces are U+2581 already. Nothing is validated: a character
  /// without a token, or a byte that is none, becomes one byte token per byte.
  void encode(std::string_view text, std::vector<Token>& out) const;

 private:
  const Vocab& vocab_;
  std::array<std::optional<Token>, 256> byte_tokens_;
};

}  // namespace halcyon::tokenizer
