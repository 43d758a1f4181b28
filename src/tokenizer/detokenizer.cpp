#include "tokenizer/detokenizer.h"

#include <charconv>
#include <initializer_list>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/utf8.h"

namespace halcyon::tokenizer {
namespace {

constexpr std::string_view kSpaceMark = "\u2581";

std::string unmark_spaces(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t mark = std::min(text.find(kSpaceMark, at), text.size());
    out += text.substr(at, mark - at);
    if (mark < text.size()) out += ' ';
    at = mark + kSpaceMark.size();
  }
  return out;
}

/// A character outside the byte alphabet stands for itself.
std::string unspell(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const auto [letter, length] = utf8::decode(text, at);
    const int byte = letter < kAlphabetToByte.size() ? kAlphabetToByte[letter] : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
    } else {
      out += text.substr(at, length);
    }
    at += length;
  }
  return out;
}

/// "<0xC3>" is byte C3; any other text is taken as it is.
std::string parse_byte(std::string_view text) {
  uint8_t byte = 0;
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::string(text);
  const auto [end, error] = std::from_chars(&text[3], &text[5], byte, 16);
  if (error != std::errc() || end != &text[5]) return std::string(text);
  return {static_cast<char>(byte)};
}

}  // namespace

std::string piece_of(const Vocab& vocab, Spelling spelling, Token token, bool special) {
  const std::string& text = vocab.text(token);
  switch (vocab.type(token)) {
    case TokenType::control:
    case TokenType::unknown:
      return special ? text : "";
    case TokenType::user_defined:
      return text;
    case TokenType::byte:
      return parse_byte(text);
    case TokenType::normal:
      return spelling == Spelling::bpe ? unspell(text) : unmark_spaces(text);
    case TokenType::undefined:
    case TokenType::unused:
      return "";
  }
  return "";
}

std::string clean_spaces(std::string_view text) {
  std::string punctuated;
  for (const char c : text) {
    if (std::string_view("?!.,").contains(c) && punctuated.ends_with(' ')) punctuated.pop_back();
    punctuated += c;
  }

  std::string joined;
  for (size_t i = 0; i < punctuated.size(); i++) {
    const bool lone = punctuated[i] == '\'' && joined.ends_with(' ') && punctuated.substr(i + 1, 1) == " ";
    if (lone) joined.pop_back();
    joined += punctuated[i];
    if (lone) i++;
  }

  std::string contracted;
  for (size_t i = 0; i < joined.size(); i++) {
    if (joined[i] == ' ')
      for (const std::string_view ending : {"'s", "'m", "'re", "'ve"})
        if (joined.compare(i + 1, ending.size(), ending) == 0) goto drop;
    contracted += joined[i];
  drop:;
  }
  return contracted;
}

}  // namespace halcyon::tokenizer
