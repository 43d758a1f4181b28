// The vocabulary of a model: token texts and types, special tokens, and which tokens end a generation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/gguf.h"
#include "tokenizer/style.h"
#include "tokenizer/text_index.h"

namespace halcyon::tokenizer {

using Token = int32_t;

/// Token types as they are numbered in a file.
enum class TokenType : uint8_t { undefined, normal, unknown, control, user_defined, unused, byte };

/// Tokens with a role: named by an id key, else by the style's default, else (eot, eom, fim_*) found by their
/// text.
struct SpecialTokens {
  std::optional<Token> bos, eos, eot, eom, unk, sep, pad, mask;
  std::optional<Token> fim_pre, fim_suf, fim_mid, fim_pad, fim_rep, fim_sep;
};

class Vocab {
 public:
  /// Reads `tokenizer.ggml.*`. Fails on missing or duplicate tokens and on arrays that are too short; ids out
  /// of range are ignored with a warning.
  static Result<Vocab> load(const gguf::Metadata& metadata, const Style& style);

  int size() const { return static_cast<int>(texts_.size()); }
  bool contains(Token token) const { return token >= 0 && token < size(); }

  // `token` has to be one of the vocabulary.
  const std::string& text(Token token) const { return texts_[static_cast<size_t>(token)]; }
  TokenType type(Token token) const { return types_[static_cast<size_t>(token)]; }
  float score(Token token) const { return scores_.empty() ? 0.0f : scores_[static_cast<size_t>(token)]; }
  bool is_eog(Token token) const { return eog_[static_cast<size_t>(token)]; }

  std::optional<Token> find(std::string_view text) const { return ids_.find(texts_, text); }
  size_t longest_text() const { return longest_text_; }  ///< bytes

  const SpecialTokens& special() const { return special_; }

  /// The tokens that stand for single bytes: `<0xXX>`, or where that is missing the byte itself as text.
  std::optional<Token> byte_token(uint8_t byte) const;

 private:
  Vocab() = default;
  Result<void> read_tokens(const gguf::Metadata& metadata);
  Result<void> read_ids(const gguf::Metadata& metadata, const Style& style);
  void find_roles_by_text();
  void find_end_of_generation();
  void make_control(Token token);

  std::vector<std::string> texts_;
  std::vector<TokenType> types_;
  std::vector<float> scores_;  ///< empty: all 0
  std::vector<bool> eog_;
  TextIndex ids_;
  size_t longest_text_ = 0;
  SpecialTokens special_;
};

}  // namespace halcyon::tokenizer
