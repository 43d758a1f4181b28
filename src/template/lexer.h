// Cuts a template into tokens, with Jinja's rules for white space around tags (trim_blocks and lstrip_blocks
// on, a final newline dropped: the settings chat templates are written for).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace halcyon::jinja {

struct Token {
  enum class Kind {
    data,
    block_begin,
    block_end,
    output_begin,
    output_end,
    name,
    integer,
    real,
    string,
    op,
    end
  };
  Kind kind = Kind::end;
  std::string_view text;  ///< data and strings as they are in the source, without quotes
  int line = 1;
};

/// How a token is called in messages: "'+'", "end of block", …
std::string describe(const Token& token);

/// The source with \n line ends and without the last one, as `tokenize` expects it.
std::string normalize_newlines(std::string_view source);

/// The tokens, views of `source`; the last one is of kind `end`. Empty data is left out.
Result<std::vector<Token>> tokenize(std::string_view source);

/// The content of a string literal. Unknown escapes stay as they are.
Result<std::string> unescape(std::string_view literal);

}  // namespace halcyon::jinja
