// Small vocabularies for tests, written out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gguf/gguf.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocab.h"

namespace halcyon::tokenizer::test {

/// A vocabulary that grows token by token into metadata.
struct VocabularyBuilder {
  std::string model = "gpt2", pre = "gpt-2";
  std::vector<std::string> texts, merges;
  std::vector<int32_t> types;
  std::vector<float> scores;
  std::vector<std::pair<std::string, gguf::Value>> more;

  Token add(std::string text, TokenType type = TokenType::normal, float score = 0) {
    texts.push_back(std::move(text));
    types.push_back(static_cast<int32_t>(type));
    scores.push_back(score);
    return static_cast<Token>(texts.size() - 1);
  }

  /// "left right": the merge, and the token that it makes.
  Token add_merge(const std::string& merge) {
    merges.push_back(merge);
    std::string both = merge;
    both.erase(both.find(' ', 1), 1);
    return add(both);
  }

  gguf::Metadata metadata() const {
    gguf::Metadata result;
    const auto put = [&](const std::string& key, gguf::Value value) {
      (void)result.add(key, std::move(value));
    };
    put("tokenizer.ggml.model", gguf::Value::string(model));
    put("tokenizer.ggml.pre", gguf::Value::string(pre));
    put("tokenizer.ggml.tokens", gguf::Value::strings(texts));
    put("tokenizer.ggml.token_type", gguf::Value::i32s(types));
    put("tokenizer.ggml.scores", gguf::Value::f32s(scores));
    if (model != "llama") put("tokenizer.ggml.merges", gguf::Value::strings(merges));
    for (const auto& [key, value] : more) put(key, value);
    return result;
  }
};

/// The token of a byte is its value; "he" = 256, "ll" = 257, "hell" = 258, "Ġw" = 259 (Ġ is the space's
/// letter).
inline VocabularyBuilder byte_level() {
  VocabularyBuilder vocabulary;
  for (size_t byte = 0; byte < 256; byte++) {
    std::string letter;
    utf8::append(letter, kByteToAlphabet[byte]);
    vocabulary.add(letter);
  }
  for (const char* merge : {"h e", "l l", "he ll", "Ġ w"}) vocabulary.add_merge(merge);
  return vocabulary;
}

/// SPM: <unk> <s> </s>, then the byte tokens (byte + 3), then from 259 on "▁", "a", "b", "ab" (-1), "▁a"
/// (-2), "▁ab" (-3), "ba" (-0.5).
inline VocabularyBuilder sentence_piece() {
  VocabularyBuilder vocabulary;
  vocabulary.model = "llama";
  vocabulary.add("<unk>", TokenType::unknown);
  vocabulary.add("<s>", TokenType::control);
  vocabulary.add("</s>", TokenType::control);
  for (int byte = 0; byte < 256; byte++) vocabulary.add(fmt::format("<0x{:02X}>", byte), TokenType::byte);
  vocabulary.add("▁", TokenType::normal, -10);
  vocabulary.add("a", TokenType::normal, -10);
  vocabulary.add("b", TokenType::normal, -10);
  vocabulary.add("ab", TokenType::normal, -1);
  vocabulary.add("▁a", TokenType::normal, -2);
  vocabulary.add("▁ab", TokenType::normal, -3);
  vocabulary.add("ba", TokenType::normal, -0.5);
  return vocabulary;
}

}  // namespace halcyon::tokenizer::test
