// Where each family of pre-tokenizers cuts, worked out by hand from its patterns.
#include "tokenizer/pretokenizer.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"
#include "tokenizer/utf8.h"

namespace halcyon::tokenizer {
namespace {

using Pieces = std::vector<std::string>;

/// The pieces of `text`; the interpreter has to agree with the JIT.
Pieces cut(std::string_view pre, std::string_view text) {
  const Result<Style> style = find_style("gpt2", pre);
  if (!style) return {style.error().message};
  std::vector<size_t> ends[2];
  for (const bool jit : {false, true}) {
    const auto pretokenizer = PreTokenizer::compile(style->splits, jit);
    if (!pretokenizer) return {pretokenizer.error().message};
    auto result = pretokenizer->split(text);
    if (!result) return {result.error().message};
    ends[jit] = *result;
  }
  EXPECT_EQ(ends[0], ends[1]) << pre;
  Pieces pieces;
  size_t begin = 0;
  for (const size_t end : ends[1]) {
    pieces.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

TEST(PreTokenizer, EveryNamedPreTokenizerCompilesAndLosesNothing) {
  const std::string text =
      "I'm here, it'S 1234567 o'clock!!\r\n\r\n\t x  y   \u00c4pfel\u00a0\u4e2d\u6587\u3002 \uac00\ub098 "
      "\u0301e\u0301 "
      "~\u00e9 <sentinel:12> IMGIMGABCZ \U0001F600\u200d \xed\xa0\x80 \u0e01\u0e32 \u3042\u30a2 "
      "1\uff12\u0663 ";
  for (const std::string_view pre : pre_names()) {
    SCOPED_TRACE(pre);
    std::string all;
    for (const std::string& piece : cut(pre, text)) {
      EXPECT_FALSE(piece.empty());
      all += piece;
    }
    EXPECT_EQ(all, text);
  }
}

TEST(PreTokenizer, UnknownNamesAreRefused) {
  EXPECT_ERROR(find_style("gpt2", "no-such"), testing::HasSubstr("\"no-such\""));
  EXPECT_ERROR(find_style("bert", ""), testing::HasSubstr("\"bert\""));
  EXPECT_ERROR(find_style("t5", ""), testing::HasSubstr("\"t5\""));
  EXPECT_ERROR(find_style("rwkv", ""), testing::HasSubstr("\"rwkv\""));
  EXPECT_ERROR(find_style("no_vocab", ""), testing::HasSubstr("no vocabulary"));
}

TEST(PreTokenizer, EmptyTextHasNoPieces) { EXPECT_EQ(cut("qwen2", ""), Pieces()); }

TEST(PreTokenizer, Gpt2) {
  EXPECT_EQ(cut("gpt-2", "I'm 25 !!  x\n\n y "),
            Pieces({"I", "'m", " 25", " !!", " ", " x", "\n\n", " y", " "}));
  EXPECT_EQ(cut("gpt-2", "it'S"), Pieces({"it", "'", "S"}));
  EXPECT_EQ(cut("gpt-2", "a\u00a0b"), Pieces({"a", "\u00a0", "b"}));
  EXPECT_EQ(cut("gpt-2", "e\u0301"), Pieces({"e", "\u0301"}));
  EXPECT_EQ(cut("gpt-2", "12\u00bd\uff13"), Pieces({"12\u00bd\uff13"}));
}

TEST(PreTokenizer, WhiteSpaceIsThatOfUnicodeWithoutTheMongolianVowelSeparator) {
  EXPECT_EQ(cut("gpt-2", "\u0085\u1680\u2028\u202f\u3000"), Pieces({"\u0085\u1680\u2028\u202f\u3000"}));
  EXPECT_EQ(cut("gpt-2", " \u180e!"), Pieces({" \u180e!"}));
  EXPECT_EQ(cut("gpt-2", "\x1c\x1f"), Pieces({"\x1c\x1f"}));
}

TEST(PreTokenizer, SurrogatesAreInNoClass) {
  EXPECT_EQ(cut("gpt-2", "a\xed\xa0\x80!b"), Pieces({"a", "\xed\xa0\x80!", "b"}));
}

TEST(PreTokenizer, CharactersOfUnicode15AreClassed) {
  // U+1FAE8 shaking face (symbol), U+31350 CJK extension H, U+2EBF0 extension I, U+11F50 Kawi digit, U+0ECE
  // mark.
  EXPECT_EQ(cut("deepseek-v3", "\U00031350a\U0002EBF0"), Pieces({"\U00031350a\U0002EBF0"}));
  EXPECT_EQ(cut("qwen2", "1\U00011F50"), Pieces({"1", "\U00011F50"}));
  EXPECT_EQ(cut("qwen35", "a\u0ece"), Pieces({"a\u0ece"}));
  EXPECT_EQ(cut("deepseek-v3", " \U0001FAE8!"), Pieces({" \U0001FAE8!"}));
}

TEST(PreTokenizer, Llama3) {
  EXPECT_EQ(cut("llama-bpe", "It'S 1234\n\n  (x)!\r\n y"),
            Pieces({"It", "'S", " ", "123", "4", "\n\n", " ", " (", "x", ")!\r\n", " y"}));
  EXPECT_EQ(cut("llama3", "\tif $x"), Pieces({"\tif", " $", "x"}));
  EXPECT_EQ(cut("glm4", " \n \n x"), Pieces({" \n \n", " x"}));
}

TEST(PreTokenizer, Qwen2) { EXPECT_EQ(cut("qwen2", "x12 (3)"), Pieces({"x", "1", "2", " (", "3", ")"})); }

TEST(PreTokenizer, Qwen35TakesMarksForLetters) {
  EXPECT_EQ(cut("qwen35", "e\u0301a !\u0301"), Pieces({"e\u0301a", " !", "\u0301"}));
}

TEST(PreTokenizer, NumbersFirst) {
  EXPECT_EQ(cut("starcoder", "a 12"), Pieces({"a", " ", "1", "2"}));
  EXPECT_EQ(cut("smollm", "it's 7"), Pieces({"it", "'s", " ", "7"}));
}

TEST(PreTokenizer, Falcon) {
  EXPECT_EQ(cut("falcon", "a != 12345"), Pieces({"a", " ", "!=", " ", "123", "45"}));
  EXPECT_EQ(cut("default", "a != 12345"), Pieces({"a", " ", "!=", " ", "123", "45"}));
  // A space stays with digits in the second split; only "default" cuts it off again.
  EXPECT_EQ(cut("falcon", "b 12"), Pieces({"b", " 12"}));
  EXPECT_EQ(cut("default", "b 12"), Pieces({"b", " ", "12"}));
}

TEST(PreTokenizer, DeepseekLlm) {
  EXPECT_EQ(cut("deepseek-llm", "ab c, d\n 12 "), Pieces({"ab", " c", ",", " d", "\n", " ", "12", " "}));
  // A look-alike beyond the listed letters, U+01BB, is none; white space at the end goes together.
  EXPECT_EQ(cut("deepseek-llm", "a\u01bbb"), Pieces({"a", "\u01bb", "b"}));
  EXPECT_EQ(cut("deepseek-llm", "a \u2029 "), Pieces({"a", " \u2029 "}));
  EXPECT_EQ(cut("deepseek-llm", "\u4e2d\uac00!"), Pieces({"\u4e2d\uac00", "!"}));
}

TEST(PreTokenizer, DeepseekCoder) {
  EXPECT_EQ(cut("deepseek-coder", "x = f(12);\n"), Pieces({"x", " =", " f", "(", "1", "2", ");", "\n"}));
}

TEST(PreTokenizer, DeepseekV3) {
  EXPECT_EQ(cut("deepseek-v3", "a1234"), Pieces({"a", "123", "4"}));
  EXPECT_EQ(cut("deepseek-v3", "_foo bar!!\n"), Pieces({"_foo", " bar", "!!\n"}));
  EXPECT_EQ(cut("deepseek-v3", "\u4e2d\u3042a"), Pieces({"\u4e2d\u3042", "a"}));
  // `~` is neither punctuation nor symbol for llama.cpp, and neither is it for us.
  EXPECT_EQ(cut("deepseek-v3", "~!"), Pieces({"~", "!"}));
  EXPECT_EQ(cut("deepseek-v3", "~\u00e9"), Pieces({"~\u00e9"}));
  EXPECT_EQ(cut("deepseek-v3", "~~~"), Pieces({"~~~"}));
}

TEST(PreTokenizer, Gpt4oCutsAtCaseChangesOfAsciiOnly) {
  EXPECT_EQ(cut("gpt-4o", "fooBar HTMLTag"), Pieces({"foo", "Bar", " HTMLTag"}));
  EXPECT_EQ(cut("gpt-4o", "HTMLtag"), Pieces({"HTMLtag"}));
  EXPECT_EQ(cut("gpt-4o", "don't 1234 a/\n/b"), Pieces({"don't", " ", "123", "4", " a", "/\n/", "b"}));
  EXPECT_EQ(cut("gpt-4o", "\u00e9\u00c9"), Pieces({"\u00e9\u00c9"}));
  EXPECT_EQ(cut("gpt-4o", "e\u0301"), Pieces({"e", "\u0301"}));
  EXPECT_EQ(cut("gpt-4o", "\u00e9AB"), Pieces({"\u00e9", "AB"}));
}

TEST(PreTokenizer, TekkenKeepsContractionsApart) {
  EXPECT_EQ(cut("tekken", "don't 12"), Pieces({"don", "'t", " ", "1", "2"}));
}

TEST(PreTokenizer, KimiK2KeepsHanApart) {
  EXPECT_EQ(cut("kimi-k2", "\u4e2d\u6587abc'll \u4e2d"), Pieces({"\u4e2d\u6587", "abc'll", " ", "\u4e2d"}));
  EXPECT_EQ(cut("kimi-k2", "(\u30a2\u4e2d"), Pieces({"(\u30a2", "\u4e2d"}));
}

TEST(PreTokenizer, OneNewlineAtATimeEndsWhiteSpace) {
  // \s*[\r\n] reaches for the last newline all the same; what differs is punctuation.
  EXPECT_EQ(cut("bailingmoe", "a \n\n b"), Pieces({"a", " \n\n", " b"}));
  EXPECT_EQ(cut("seed-coder", "a!\n b"), Pieces({"a", "!", "\n", " b"}));
}

TEST(PreTokenizer, ExaoneMoeJoinsWords) {
  EXPECT_EQ(cut("exaone-moe", "to be  or e\u0301 x, y"), Pieces({"to be", " ", " or e\u0301 x", ",", " y"}));
}

TEST(PreTokenizer, Jais2CutsSpacesInPowersOfTwo) {
  const std::string spaces(70, ' ');
  EXPECT_EQ(cut("jais-2", spaces + "x"), Pieces({std::string(64, ' '), std::string(4, ' '), " ", " x"}));
  EXPECT_EQ(cut("jais-2", " \n  \n   x"), Pieces({" \n  \n", "  ", " x"}));
  EXPECT_EQ(cut("jais-2", "!\n  \n x"), Pieces({"!\n", "  \n", " x"}));
}

TEST(PreTokenizer, DigitGroupsFromTheRight) {
  EXPECT_EQ(cut("tiny_aya", "12345678"), Pieces({"12", "345", "678"}));
  EXPECT_EQ(cut("tiny_aya", "x1234 123456"), Pieces({"x", "1", "234", " ", "123", "456"}));
  EXPECT_EQ(cut("afmoe", "1234"), Pieces({"1", "234"}));
  // Nothing but the later patterns separates a run from what is ahead of it.
  EXPECT_EQ(cut("afmoe",
                "\x01"
                "1234"),
            Pieces({"\x01"
                    "1",
                    "234"}));
  EXPECT_EQ(cut("superbpe", "1234567"), Pieces({"1", "234", "567"}));
  EXPECT_EQ(cut("superbpe", "a 123456!"), Pieces({"a ", "123", "456", "!"}));
  EXPECT_EQ(cut("superbpe",
                "\uff11"
                "123"),
            Pieces({"\uff11", "123"}));
}

TEST(PreTokenizer, TinyAyaAndYoutuKeepContractionsWithTheWord) {
  EXPECT_EQ(cut("tiny_aya", "we'll FooBar"), Pieces({"we'll", " FooBar"}));
  EXPECT_EQ(cut("youtu", "we'll \uac00\u3131a 12"),
            Pieces({"we'll", " ", "\uac00\u3131", "a", " ", "1", "2"}));
}

TEST(PreTokenizer, AfmoeCutsOutEastAsianScripts) {
  EXPECT_EQ(cut("afmoe", "a\u0e40\u4e2db\u0e01"), Pieces({"a", "\u0e40\u4e2d", "b\u0e01"}));
}

TEST(PreTokenizer, Bloom) {
  EXPECT_EQ(cut("bloom", "a b2,c (d|e)"), Pieces({"a", " b2", ",", "c", " (", "d", "|", "e", ")"}));
  EXPECT_EQ(cut("viking", "b2"), Pieces({"b", "2"}));
}

TEST(PreTokenizer, Chameleon) {
  // Later patterns go on cutting what earlier ones matched.
  EXPECT_EQ(cut("chameleon", "xIMGIMGABZy<sentinel:1>"),
            Pieces({"x", "IMGIMGABZ", "y", "<", "sentinel", ":", "1", ">"}));
  EXPECT_EQ(cut("chameleon", "a    b\n!?"), Pieces({"a", "    ", "b", "\n", "!", "?"}));
}

TEST(PreTokenizer, LinesOnlyForGemma4) {
  EXPECT_EQ(cut("sarvam-moe", "a b\n\nc"), Pieces({"a b", "\n\n", "c"}));
}

}  // namespace
}  // namespace halcyon::tokenizer
