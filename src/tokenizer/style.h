// What `tokenizer.ggml.model` and `tokenizer.ggml.pre` decide: how text is cut before merging, and the
// defaults.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace halcyon::tokenizer {

/// One step of pre-tokenisation. Every step splits each piece of the one before into matches and what lies
/// between.
struct Split {
  enum class By {
    regex,         ///< matches of `pattern`
    digit_groups,  ///< ends of the groups of three, counted from the right, of each run of \p{N}
    thousands,     ///< starts of the groups of three, counted from the right, of each run of ASCII digits
  };
  By by = By::regex;
  std::string pattern;  ///< PCRE2 syntax, UTF and UCP
};

/// How the texts of a vocabulary stand for bytes.
enum class Spelling {
  spm,      ///< U+2581 for a space; merges by score
  bpe,      ///< GPT-2's byte alphabet; merges by rank
  raw_bpe,  ///< U+2581 for a space as in SPM; merges by rank as in BPE (gemma4)
};

/// What one family of tokenizers does; metadata keys override the defaults.
struct Style {
  Spelling spelling = Spelling::bpe;
  std::vector<Split> splits;
  bool clean_spaces = false;        ///< tidy spaces before punctuation when a whole text is decoded
  bool ignore_merges = false;       ///< a piece that is a token is emitted whole
  bool whole_newline_runs = false;  ///< the same for runs of newlines only
  bool needs_merges = true;         ///< a vocabulary without merges is an error
  bool strips_around_mask = false;  ///< `<mask>` swallows the white space before it
  bool add_bos = false, add_eos = false, add_space_prefix = false;
  int32_t bos = -1, eos = -1, unk = -1;  ///< ids where the metadata names none; -1: none
};

/// The style of `model` ("llama", "gpt2", "gemma4") and `pre`, or an error that names the one not known.
Result<Style> find_style(std::string_view model, std::string_view pre);

/// Every `pre` name that find_style knows, for tests and messages.
std::vector<std::string_view> pre_names();

}  // namespace halcyon::tokenizer
