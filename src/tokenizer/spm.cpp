#include "tokenizer/spm.h"

#include "tokenizer/merge.h"
#include "tokenizer/utf8.h"

namespace halcyon::tokenizer {

Spm::Spm(const Vocab& vocab) : vocab_(vocab) {
  for (size_t byte = 0; byte < 256; byte++) {
    byte_tokens_[byte] = vocab.byte_token(static_cast<uint8_t>(byte));
    if (!byte_tokens_[byte]) byte_tokens_[byte] = vocab.special().unk;
  }
}

void Spm::encode(std::string_view text, std::vector<Token>& out) const {
  std::vector<Symbol> symbols;
  symbols.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t length = std::min(utf8::length_from_lead(static_cast<uint8_t>(text[at])), text.size() - at);
    const Token token = vocab_.find(text.substr(at, length)).value_or(-1);
    symbols.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(length), -1, -1, token});
    at += length;
  }

  using SpmPair = Pair<float>;
  std::vector<SpmPair> heap;
  merge_symbols(symbols, heap, [&](int32_t left, int32_t right) -> std::optional<SpmPair> {
    const Symbol& a = symbols[static_cast<size_t>(left)];
    const uint32_t length = a.length + symbols[static_cast<size_t>(right)].length;
    if (length > vocab_.longest_text()) return std::nullopt;
    const std::optional<Token> token = vocab_.find(text.substr(a.begin, length));
    if (!token) return std::nullopt;
    return SpmPair{-vocab_.score(*token), left, length, *token};
  });

  for (const Symbol& symbol : symbols) {
    if (symbol.length == 0) continue;
    if (symbol.id >= 0) {
      out.push_back(symbol.id);
      continue;
    }
    for (const char byte : text.substr(symbol.begin, symbol.length))
      if (const auto token = byte_tokens_[static_cast<uint8_t>(byte)]) out.push_back(*token);
  }
}

}  // namespace halcyon::tokenizer
