// The forms that a prompt to be completed, or a text to be embedded, can have.
#pragma once

#include <string_view>
#include <vector>

#include "serve/fields.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::serve {

struct Prompts {
  std::vector<Json> each;  ///< a string, or a list of strings and token ids
  bool is_list = false;    ///< of prompts; else there is one
};

/// A string, a list of token ids, a list of both, or a list of at most `most` of these: a list of nothing but
/// strings is one of prompts. Rejects the field if it is absent.
Prompts read_prompts(Fields& fields, std::string_view name, size_t most);

/// The tokens of one prompt. Text in front begins as the model wants it, with BOS; ids are taken as they are.
Result<std::vector<tokenizer::Token>> encode(const tokenizer::Tokenizer& tokenizer, const Json& prompt);

}  // namespace halcyon::serve
