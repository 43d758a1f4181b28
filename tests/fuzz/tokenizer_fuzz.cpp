// Texts of any bytes through small vocabularies of each kind: the first byte selects the vocabulary and the
// options.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/tokenizer/vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace {

using namespace halcyon::tokenizer;

void require(bool condition) {
  if (!condition) std::abort();
}

/// One SPM, one gemma4 and, for every pre-tokenizer, one BPE vocabulary, with special tokens that overlap.
std::vector<Tokenizer> load_all() {
  std::vector<Tokenizer> all;
  const auto load = [&](test::VocabularyBuilder vocabulary) {
    vocabulary.add("<|a|>", TokenType::control);
    vocabulary.add("<|a|><|a|>", TokenType::control);
    vocabulary.add("|><|", TokenType::user_defined);
    vocabulary.add("<mask>", TokenType::control);
    auto tokenizer = Tokenizer::load(vocabulary.metadata());
    require(tokenizer.has_value());
    all.push_back(std::move(*tokenizer));
  };
  load(test::sentence_piece());
  auto gemma = test::sentence_piece();
  gemma.model = "gemma4";
  gemma.merges = {"a b", "▁ ab"};
  load(gemma);
  for (const std::string_view pre : pre_names()) {
    auto vocabulary = test::byte_level();
    vocabulary.pre = pre;
    if (pre != "sarvam-moe") load(vocabulary);  // as gemma4
  }
  return all;
}

bool is_valid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto next = utf8::examine(text, at);
    if (next.kind != utf8::Wellformed::character) return false;
    at += next.length;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Tokenizer> all = load_all();
  if (size < 2) return 0;
  const Tokenizer& tokenizer = all[data[0] % all.size()];
  const bool add_special = data[1] & 1, parse_special = data[1] & 2;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);

  const auto tokens = tokenizer.encode(text, add_special, parse_special);
  require(tokens.has_value());

  std::string all_pieces, streamed;
  StreamDecoder stream(tokenizer, /*special=*/true);
  for (const Token token : *tokens) {
    require(token >= 0 && token < tokenizer.n_vocab());
    all_pieces += tokenizer.piece(token, true);
    const std::string part = stream.push(token);
    require(is_valid_utf8(part));
    streamed += part;
  }
  streamed += stream.finish();
  if (is_valid_utf8(all_pieces)) require(streamed == all_pieces);

  // Byte-level vocabularies lose nothing of a valid text but the white space that a special token swallows;
  // SPM adds spaces, and U+2581 comes back as a space.
  if (!add_special && !parse_special && data[0] % all.size() >= 2 && is_valid_utf8(text))
    require(all_pieces == text);
  (void)tokenizer.decode(*tokens, {.special = true, .remove_special = true});
  return 0;
}
