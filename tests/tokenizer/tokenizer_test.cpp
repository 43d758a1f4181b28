// Encoding and decoding with small vocabularies, by hand.
#include "tokenizer/tokenizer.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/support/support.h"
#include "tests/tokenizer/vocabularies.h"

namespace halcyon::tokenizer {
namespace {

using Ids = std::vector<Token>;

Tokenizer load(const test::VocabularyBuilder& vocabulary) {
  auto tokenizer = Tokenizer::load(vocabulary.metadata());
  EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  return std::move(*tokenizer);
}

Ids encode(const Tokenizer& tokenizer, std::string_view text, bool parse_special = true) {
  auto ids = tokenizer.encode(text, false, parse_special);
  EXPECT_TRUE(ids.has_value()) << ids.error().message;
  return *ids;
}

Token byte_token(uint8_t byte) { return byte + 3; }  // of test::sentence_piece()

TEST(Bpe, MergesTheLowestRankFirst) {
  const Tokenizer tokenizer = load(test::byte_level());
  EXPECT_EQ(encode(tokenizer, "hello"), Ids({258, 'o'}));
  EXPECT_EQ(encode(tokenizer, "hhe lll w w"), Ids({'h', 256, ' ', 257, 'l', 259, 259}));
  EXPECT_EQ(encode(tokenizer, ""), Ids());
}

TEST(Bpe, SymbolsWithoutATokenAreSpelledOut) {
  auto vocabulary = test::byte_level();
  vocabulary.merges = {"h e", "he y", "l o"};  // "hey" and "lo" are no tokens
  EXPECT_EQ(encode(load(vocabulary), "hey lo"), Ids({'h', 'e', 'y', ' ', 'l', 'o'}));
}

TEST(Bpe, AWholePieceThatIsATokenComesFirstWithIgnoreMerges) {
  auto vocabulary = test::byte_level();
  const Token whole = vocabulary.add("Ġhex");
  EXPECT_EQ(encode(load(vocabulary), " hex"), Ids({' ', 256, 'x'}));
  vocabulary.pre = "llama-bpe";
  EXPECT_EQ(encode(load(vocabulary), " hex"), Ids({whole}));
}

TEST(Bpe, InvalidUtf8) {
  const Tokenizer tokenizer = load(test::byte_level());
  const Ids replacement = {0xEF, 0xBF, 0xBD};
  EXPECT_EQ(encode(tokenizer, "\x80"), replacement);
  EXPECT_EQ(encode(tokenizer, "\xff"), replacement);
  EXPECT_EQ(encode(tokenizer,
                   "\xe4"
                   "A"),
            Ids({0xEF, 0xBF, 0xBD, 'A'}));
  EXPECT_EQ(encode(tokenizer, "\xf0\x9f\x98"), Ids({0xEF, 0xBF, 0xBD, 0xEF, 0xBF, 0xBD, 0xEF, 0xBF, 0xBD}));
  EXPECT_EQ(encode(tokenizer, std::string_view("\xc0\x80", 2)), Ids({0}));  // overlong
  EXPECT_EQ(encode(tokenizer, "\xed\xa0\x80"), Ids({0xED, 0xA0, 0x80}));    // surrogate
  EXPECT_EQ(encode(tokenizer, "\xf4\x90\x80\x80"), replacement);            // above U+10FFFF
}

TEST(Spm, MergesTheHighestScoreFirst) {
  const Tokenizer tokenizer = load(test::sentence_piece());
  EXPECT_EQ(encode(tokenizer, "ab"), Ids({264}));        // "a b" before "▁ a", then both
  EXPECT_EQ(encode(tokenizer, "aba"), Ids({263, 265}));  // "ba" is best, then "▁a"
  EXPECT_EQ(encode(tokenizer, "bb"), Ids({259, 261, 261}));
  EXPECT_EQ(encode(tokenizer, "  a"), Ids({259, 259, 263}));
  EXPECT_EQ(encode(tokenizer, ""), Ids());
}

TEST(Spm, EqualScoresMergeFromTheLeft) {
  auto vocabulary = test::sentence_piece();
  const Token aa = vocabulary.add("aa", TokenType::normal, -1);
  vocabulary.more = {{"tokenizer.ggml.add_space_prefix", gguf::Value::boolean(false)}};
  EXPECT_EQ(encode(load(vocabulary), "aaa"), Ids({aa, 260}));
}

TEST(Spm, UnknownCharactersBecomeBytes) {
  const Tokenizer tokenizer = load(test::sentence_piece());
  EXPECT_EQ(encode(tokenizer, "é"), Ids({259, byte_token(0xC3), byte_token(0xA9)}));
  EXPECT_EQ(encode(tokenizer,
                   "\xff"
                   "a"),
            Ids({259, byte_token(0xFF), byte_token('a')}));  // one "character" of 2
  EXPECT_EQ(encode(tokenizer, "\xc3"), Ids({259, byte_token(0xC3)}));
}

TEST(Spm, WithoutByteTokensTheUnknownTokenStands) {
  auto vocabulary = test::sentence_piece();
  for (size_t i = 3; i < 259; i++) vocabulary.texts[i] = fmt::format("unused {}", i);
  EXPECT_EQ(encode(load(vocabulary), "x"), Ids({259, 0}));
}

TEST(Gemma4, MergesCharactersAndFallsBackToBytes) {
  test::VocabularyBuilder vocabulary = test::sentence_piece();
  vocabulary.model = "gemma4";
  vocabulary.merges = {"a b", "▁ ab"};
  const Token lines = vocabulary.add("\n\n\n");
  const Tokenizer tokenizer = load(vocabulary);
  EXPECT_EQ(encode(tokenizer, "ab ab"), Ids({262, 264}));
  EXPECT_EQ(encode(tokenizer, "é"), Ids({byte_token(0xC3), byte_token(0xA9)}));
  EXPECT_EQ(encode(tokenizer, "a\n\n\nb"), Ids({260, lines, 261}));
  EXPECT_EQ(encode(tokenizer, "\n\n"), Ids({byte_token('\n'), byte_token('\n')}));
  EXPECT_EQ(tokenizer.decode(Ids({262, 264, byte_token(0xC3), byte_token(0xA9)})), "ab abé");
}

TEST(SpecialTokens, LongerOnesComeFirst) {
  auto vocabulary = test::byte_level();
  const Token a = vocabulary.add("<a>", TokenType::control);
  const Token aa = vocabulary.add("<a><a>", TokenType::control);
  const Token user = vocabulary.add("a><", TokenType::user_defined);
  const Tokenizer tokenizer = load(vocabulary);
  EXPECT_EQ(encode(tokenizer, "<a><a><a>"), Ids({aa, a}));
  EXPECT_EQ(encode(tokenizer, "x<a>y"), Ids({'x', a, 'y'}));
  EXPECT_EQ(encode(tokenizer, "<a><b"), Ids({a, '<', 'b'}));  // of equal length the lower id
  EXPECT_EQ(encode(tokenizer, "<a><b", false), Ids({'<', user, 'b'}));
}

TEST(SpecialTokens, AShorterOneMayFitWhereALongerOneLostItsEnd) {
  auto vocabulary = test::byte_level();
  const Token best = vocabulary.add("cdef", TokenType::control);
  vocabulary.add("abc", TokenType::control);
  const Token fits = vocabulary.add("ab", TokenType::control);
  EXPECT_EQ(encode(load(vocabulary), "abcdef"), Ids({fits, best}));
}

TEST(SpecialTokens, OnlyControlUserDefinedAndUnknownOnesAreSeen) {
  auto vocabulary = test::byte_level();
  vocabulary.add("[unused]", TokenType::unused);
  vocabulary.add("[undefined]", TokenType::undefined);
  const Token unknown = vocabulary.add("[unk]", TokenType::unknown);
  const Tokenizer tokenizer = load(vocabulary);
  EXPECT_EQ(encode(tokenizer, "[unused]").size(), 8u);
  EXPECT_EQ(encode(tokenizer, "[undefined]").size(), 11u);
  EXPECT_EQ(encode(tokenizer, "[unk]"), Ids({unknown}));
  EXPECT_EQ(encode(tokenizer, "[unk]", false).size(), 5u);
}

TEST(SpecialTokens, SpmPutsASpaceBehindThem) {
  const Tokenizer tokenizer = load(test::sentence_piece());
  EXPECT_EQ(encode(tokenizer, "a</s>a"), Ids({263, 2, 263}));
  EXPECT_EQ(encode(tokenizer, "</s>"), Ids({2}));
}

TEST(SpecialTokens, Phi3StripsWhatFollows) {
  auto vocabulary = test::sentence_piece();
  const Token user = vocabulary.add("<|user|>", TokenType::user_defined);
  vocabulary.more = {{"general.name", gguf::Value::string("Some PHI-3 mini")}};
  const Tokenizer tokenizer = load(vocabulary);
  EXPECT_EQ(encode(tokenizer, "<|user|> \n a <s> a"), Ids({user, 263, 259, 1, 259, 263}));
  EXPECT_EQ(encode(tokenizer, "<|user|> \n"), Ids({user}));
}

TEST(SpecialTokens, MaskStripsWhatPrecedes) {
  auto vocabulary = test::byte_level();
  vocabulary.pre = "jina-v2-code";
  const Token mask = vocabulary.add("<mask>", TokenType::control);
  EXPECT_EQ(encode(load(vocabulary), "a \t<mask> b"), Ids({'a', mask, ' ', 'b'}));
}

TEST(SpecialTokens, BosAndEosAreAddedAsTheModelWants) {
  const Tokenizer spm = load(test::sentence_piece());
  EXPECT_EQ(*spm.encode("a", true, true), Ids({1, 263}));
  EXPECT_EQ(*spm.encode("", true, true), Ids({1}));
  EXPECT_EQ(*spm.encode("<s>", true, true), Ids({1, 1}));

  auto vocabulary = test::byte_level();
  EXPECT_EQ(*load(vocabulary).encode("a", true, true), Ids({'a'}));
  vocabulary.more = {{"tokenizer.ggml.add_eos_token", gguf::Value::boolean(true)},
                     {"tokenizer.ggml.eos_token_id", gguf::Value::u32(0)}};
  EXPECT_EQ(*load(vocabulary).encode("", true, true), Ids({0}));
}

TEST(Tokenizer, TextsThatAreTooLongAreRefused) {
  const Tokenizer tokenizer = load(test::byte_level());
  EXPECT_ERROR(tokenizer.encode(std::string(Tokenizer::kMaxText + 1, ' '), false, false),
               testing::HasSubstr("too long"));
}

TEST(Tokenizer, LongRunsTakeNoMoreThanTheirShare) {
  // 64 KiB of one character at a time: anything quadratic would take many seconds.
  const Tokenizer spm = load(test::sentence_piece());
  const std::string runs[] = {"a",          " ",      "\n",   "7",  "!",  "é",   "中",
                              "\U0001F600", "\u0301", "\xff", "ab", " a", "\r\n"};
  for (const char* pre : {"gpt-2", "llama-bpe", "deepseek-llm", "deepseek-v3", "gpt-4o", "jais-2",
                          "exaone-moe", "tiny_aya", "superbpe", "bloom", "chameleon"}) {
    auto vocabulary = test::byte_level();
    vocabulary.pre = pre;
    const Tokenizer bpe = load(vocabulary);
    for (const std::string& run : runs) {
      std::string text;
      while (text.size() < 64 << 10) text += run;
      text += "x";
      EXPECT_TRUE(bpe.encode(text, false, true).has_value());
    }
  }
  for (const std::string& run : runs) {
    std::string text;
    while (text.size() < 64 << 10) text += run;
    EXPECT_TRUE(spm.encode(text, false, true).has_value());
  }
}

TEST(Tokenizer, ThreadsMayShareOne) {
  const Tokenizer tokenizer = load(test::byte_level());
  const std::string text = "hello, hello w w 123 hell";
  const Ids expected = encode(tokenizer, text);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; i++) count += tokenizer.encode(text, false, true) != expected;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(Tokenizer, MayBeMoved) {
  Tokenizer a = load(test::byte_level());
  const Tokenizer b = std::move(a);
  EXPECT_EQ(encode(b, "hello"), Ids({258, 'o'}));
}

}  // namespace
}  // namespace halcyon::tokenizer
