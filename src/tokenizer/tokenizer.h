// Text to tokens and back, for the vocabularies that GGUF files carry: SPM ("llama"), BPE ("gpt2") and
// "gemma4". Token ids agree with llama.cpp's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/gguf.h"
#include "tokenizer/vocab.h"

namespace halcyon::tokenizer {

struct DecodeOptions {
  bool special = false;         ///< write out control and unknown tokens
  bool remove_special = false;  ///< drop a leading BOS and a trailing EOS that encode() would have added
};

/// Immutable once loaded: any number of threads may use one at the same time. Cheap to move.
class Tokenizer {
 public:
  /// Longest text that encode() takes, in bytes: merging takes a multiple of it in memory.
  static constexpr size_t kMaxText = size_t{64} << 20;

  /// Reads `tokenizer.*` and general.name. The error names what is missing, wrong or not supported.
  static Result<Tokenizer> load(const gguf::Metadata& metadata);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// The tokens of `text`, which need not be valid UTF-8. `add_special` adds BOS and EOS where the model
  /// wants them; `parse_special` sees control tokens that are written out in the text (user-defined ones are
  /// seen always).
  Result<std::vector<Token>> encode(std::string_view text, bool add_special, bool parse_special) const;

  /// The bytes of one token, perhaps part of a character; empty for control tokens unless `special`, and for
  /// ids out of range.
  std::string piece(Token token, bool special) const;

  /// The text of a whole sequence: its pieces, without the space that encode() put in front and, for
  /// vocabularies that ask for it, tidied around punctuation. For text that grows token by token see
  /// StreamDecoder.
  std::string decode(std::span<const Token> tokens, DecodeOptions options = {}) const;

  int n_vocab() const;
  const std::string* text(Token token) const;              ///< as in the vocabulary; nullptr if out of range
  std::optional<Token> find(std::string_view text) const;  ///< the token with that text in the vocabulary
  TokenType type(Token token) const;                       ///< undefined if out of range

  bool is_eog(Token token) const;         ///< ends a generation: end of text, of turn, of message
  std::vector<Token> eog_tokens() const;  ///< all that do
  bool add_bos() const;
  bool add_eos() const;
  const SpecialTokens& special() const;
  std::optional<Token> bos() const { return special().bos; }
  std::optional<Token> eos() const { return special().eos; }
  std::optional<Token> eot() const { return special().eot; }

  /// tokenizer.chat_template, or tokenizer.chat_template.`name`; nullptr if the file has none.
  const std::string* chat_template(std::string_view name = "") const;

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

/// The text of tokens as they come. What it returns is valid UTF-8: a character that is spread over tokens
/// comes with the last of them, and bytes that are part of none become U+FFFD. Nothing is tidied.
class StreamDecoder {
 public:
  /// `tokenizer` has to outlive the decoder.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool special = false)
      : tokenizer_(&tokenizer), special_(special) {}

  std::string push(Token token);  ///< the text that `token` completes, perhaps empty
  std::string finish();           ///< what is left of an unfinished character; starts over

 private:
  const Tokenizer* tokenizer_;
  bool special_;
  std::string pending_;  ///< at most 3 bytes between calls
};

}  // namespace halcyon::tokenizer
