// From tokens to text: pieces, whole sequences, and streams.
#include "tokenizer/detokenizer.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/support/support.h"
#include "tests/tokenizer/vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::tokenizer {
namespace {

using Ids = std::vector<Token>;

Tokenizer load(const test::VocabularyBuilder& vocabulary) {
  auto tokenizer = Tokenizer::load(vocabulary.metadata());
  EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  return std::move(*tokenizer);
}

TEST(Piece, GoesByType) {
  auto vocabulary = test::sentence_piece();
  const Token user = vocabulary.add("▁user", TokenType::user_defined);
  const Token unused = vocabulary.add("unused", TokenType::unused);
  const Token undefined = vocabulary.add("undefined", TokenType::undefined);
  const Token odd = vocabulary.add("<0xZZ>", TokenType::byte);
  const Tokenizer tokenizer = load(vocabulary);
  EXPECT_EQ(tokenizer.piece(264, false), " ab");
  EXPECT_EQ(tokenizer.piece(3 + 0xC3, false), "\xC3");
  EXPECT_EQ(tokenizer.piece(2, false), "");
  EXPECT_EQ(tokenizer.piece(2, true), "</s>");
  EXPECT_EQ(tokenizer.piece(0, true), "<unk>");
  EXPECT_EQ(tokenizer.piece(user, false), "▁user");
  EXPECT_EQ(tokenizer.piece(unused, true), "");
  EXPECT_EQ(tokenizer.piece(undefined, true), "");
  EXPECT_EQ(tokenizer.piece(odd, false), "<0xZZ>");
}

TEST(Piece, ByteLevelTextIsRespelled) {
  auto vocabulary = test::byte_level();
  const Token foreign = vocabulary.add("Ġ中");
  const Tokenizer tokenizer = load(vocabulary);
  EXPECT_EQ(tokenizer.piece(259, false), " w");
  EXPECT_EQ(tokenizer.piece(0, false), std::string(1, '\0'));
  EXPECT_EQ(tokenizer.piece(foreign, false), " 中");  // a letter outside the alphabet stands for itself
}

TEST(Decode, GivesBackWhatWasEncoded) {
  const Tokenizer spm = load(test::sentence_piece());
  for (const char* text : {"", "a", " a", "  ab  ba ", "é中\U0001F600", "a\n b"}) {
    EXPECT_EQ(spm.decode(*spm.encode(text, false, true)), text);
  }
  const Tokenizer bpe = load([] {
    auto vocabulary = test::byte_level();
    vocabulary.pre = "qwen2";
    return vocabulary;
  }());
  for (const char* text : {"", " ", "hello  world !", "é中\U0001F600", "a\r\n b 's"}) {
    EXPECT_EQ(bpe.decode(*bpe.encode(text, false, true)), text);
  }
}

TEST(Decode, LeavesOutWhatEncodeAdded) {
  const Tokenizer tokenizer = load(test::sentence_piece());
  EXPECT_EQ(tokenizer.decode(Ids({1, 263}), {.special = true}), "<s> a");
  EXPECT_EQ(tokenizer.decode(Ids({1, 263}), {.special = true, .remove_special = true}), " a");
  EXPECT_EQ(tokenizer.decode(Ids({263, 263})), "a a");
  EXPECT_EQ(tokenizer.decode(Ids({1, 263})), " a");
}

TEST(Decode, CleansSpacesInThreePasses) {
  EXPECT_EQ(clean_spaces("a , b . c ! d ?"), "a, b. c! d?");
  EXPECT_EQ(clean_spaces("a  ."), "a .");
  EXPECT_EQ(clean_spaces("rock ' n"), "rock'n");
  EXPECT_EQ(clean_spaces("it 's I 'm we 're they 've"), "it's I'm we're they've");
  EXPECT_EQ(clean_spaces("do n 't he 'll I 'd"), "do n 't he 'll I 'd");
  EXPECT_EQ(clean_spaces(" '"), " '");
  EXPECT_EQ(clean_spaces(""), "");
  EXPECT_EQ(load(test::byte_level()).decode(Ids({'a', ' ', '.'})), "a.");
}

TEST(Stream, HoldsBackUnfinishedCharacters) {
  const Tokenizer tokenizer = load(test::byte_level());
  StreamDecoder stream(tokenizer);
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.push(0x9F), "");
  EXPECT_EQ(stream.push(0x98), "");
  EXPECT_EQ(stream.push(0x80), "\U0001F600");
  EXPECT_EQ(stream.push(258), "hell");
  EXPECT_EQ(stream.push(0xC3), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(Stream, BytesThatAreNoCharacterAreReplaced) {
  const Tokenizer tokenizer = load(test::byte_level());
  StreamDecoder stream(tokenizer);
  EXPECT_EQ(stream.push(0x80), "\uFFFD");
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.push('A'),
            "\uFFFD"
            "A");
  EXPECT_EQ(stream.push(0xED), "");
  EXPECT_EQ(stream.push(0xA0), "\uFFFD\uFFFD");  // no surrogates
}

TEST(Stream, EverySplitOfATextGivesTheText) {
  const std::string text = "ab é\u0301 中文 \U0001F468\u200d\U0001F469 yz";
  // A token for either part; single bytes have theirs already.
  for (size_t at = 2; at <= text.size() - 2; at++) {
    test::VocabularyBuilder vocabulary = test::byte_level();
    const auto spelled = [&](std::string_view bytes) {
      std::string letters;
      for (const char byte : bytes) utf8::append(letters, kByteToAlphabet[static_cast<uint8_t>(byte)]);
      return letters;
    };
    const Token first = vocabulary.add(spelled(text.substr(0, at))),
                second = vocabulary.add(spelled(text.substr(at)));
    const Tokenizer tokenizer = load(vocabulary);
    StreamDecoder stream(tokenizer);
    std::string out = stream.push(first);
    EXPECT_TRUE(text.starts_with(out));
    for (size_t i = 0; i < out.size();) {
      const auto next = utf8::examine(out, i);
      ASSERT_EQ(next.kind, utf8::Wellformed::character);
      i += next.length;
    }
    out += stream.push(second);
    out += stream.finish();
    EXPECT_EQ(out, text);
  }
}

TEST(Stream, RandomBytesComeOutAsValidUtf8) {
  const Tokenizer tokenizer = load(test::byte_level());
  const unsigned seed = 7;
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  StreamDecoder stream(tokenizer);
  std::string out;
  for (int i = 0; i < 20000; i++) out += stream.push(static_cast<Token>(random() % 256));
  out += stream.finish();
  for (size_t i = 0; i < out.size();) {
    const auto next = utf8::examine(out, i);
    ASSERT_EQ(next.kind, utf8::Wellformed::character);
    i += next.length;
  }
}

}  // namespace
}  // namespace halcyon::tokenizer
