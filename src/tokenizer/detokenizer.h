// From tokens back to bytes.
#pragma once

#include <span>
#include <string>

#include "tokenizer/style.h"
#include "tokenizer/vocab.h"

namespace halcyon::tokenizer {

/// The bytes of a token of `vocab`.
std::string piece_of(const Vocab& vocab, Spelling spelling, Token token, bool special);

/// Takes out spaces as tokenizers of the GPT-2 line do: before `?!.,`, around a lone apostrophe, and before
/// the English contractions 's 'm 're 've.
std::string clean_spaces(std::string_view text);

}  // namespace halcyon::tokenizer
