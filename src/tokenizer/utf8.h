// UTF-8 in the three strictnesses that tokenizers need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace halcyon::tokenizer::utf8 {

inline constexpr char32_t kReplacement = 0xFFFD;

/// Bytes of the character that begins with `lead`, by that byte alone: what SPM goes by.
constexpr size_t length_from_lead(uint8_t lead) {
  return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/// One step of decoding: a code point, and how many bytes it was read from.
struct Decoded {
  char32_t code_point;
  size_t length;
};

/// Decodes the character at `text[at]` as BPE vocabularies were used with llama.cpp: bytes that cannot be one
/// are U+FFFD each; overlong forms and surrogates go through by their bit pattern; above U+10FFFF is U+FFFD.
Decoded decode(std::string_view text, size_t at);

/// Appends a code point below 200000h, surrogates included.
void append(std::string& out, char32_t code_point);

/// Bytes at `text[at]` that are well-formed as far as they go (Unicode 15.0, table 3-7).
struct Wellformed {
  size_t length;  ///< at least 1
  enum { character, incomplete, invalid } kind;
};
Wellformed examine(std::string_view text, size_t at);

}  // namespace halcyon::tokenizer::utf8
