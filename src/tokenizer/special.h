// Finds special tokens that are written out in a text.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tokenizer/vocab.h"

namespace halcyon::tokenizer {

/// A stretch of text, or a special token that stood there.
struct Fragment {
  std::string_view text;  ///< the text; empty for a token
  std::optional<Token> token;
};

/// What a special token swallows of the text beside it.
struct Strips {
  bool left = false, right = false;
};

/// The texts of control, user-defined and unknown tokens. Longer ones come first, then lower ids, and of one
/// token the leftmost occurrence; none overlap.
class SpecialCutter {
 public:
  /// `model_name` is the file's general.name: phi-3 models strip white space behind their special tokens.
  SpecialCutter(const Vocab& vocab, const Style& style, std::string_view model_name);

  /// Cuts `text`; no fragment is empty. Without `parse_special` only user-defined tokens are seen.
  std::vector<Fragment> cut(std::string_view text, bool parse_special) const;

 private:
  struct Special {
    std::string_view text;
    Token token;
    bool user_defined;
    Strips strips;
  };
  const Special* longest(std::string_view text, size_t room, bool parse_special) const;

  std::vector<Special> specials_;  ///< sorted by text
};

}  // namespace halcyon::tokenizer
