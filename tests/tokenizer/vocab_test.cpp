// Vocabularies that are damaged or strange, and the tokens with a role.
#include "tokenizer/vocab.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"
#include "tests/tokenizer/vocabularies.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::tokenizer {
namespace {

using testing::HasSubstr;
using testing::Optional;

Result<Tokenizer> load(const test::VocabularyBuilder& vocabulary) {
  return Tokenizer::load(vocabulary.metadata());
}

TEST(Vocab, NeedsTokensAndMerges) {
  gguf::Metadata metadata;
  EXPECT_ERROR(Tokenizer::load(metadata), HasSubstr("tokenizer.ggml.model"));
  ASSERT_OK(metadata.add("tokenizer.ggml.model", gguf::Value::string("gpt2")));
  EXPECT_ERROR(Tokenizer::load(metadata), HasSubstr("tokenizer.ggml.tokens"));
  ASSERT_OK(metadata.add("tokenizer.ggml.tokens", gguf::Value::strings({"a"})));
  EXPECT_ERROR(Tokenizer::load(metadata), HasSubstr("tokenizer.ggml.merges"));
}

TEST(Vocab, KimiK2MayGoWithoutMerges) {
  gguf::Metadata metadata;
  ASSERT_OK(metadata.add("tokenizer.ggml.model", gguf::Value::string("gpt2")));
  ASSERT_OK(metadata.add("tokenizer.ggml.pre", gguf::Value::string("kimi-k2")));
  ASSERT_OK(metadata.add("tokenizer.ggml.tokens", gguf::Value::strings({"a", "b"})));
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, Tokenizer::load(metadata));
  EXPECT_EQ(tokenizer.encode("abc", false, false), std::vector<Token>({0, 1}));
}

TEST(Vocab, ArraysThatAreTooShortAreRefused) {
  auto vocabulary = test::byte_level();
  vocabulary.types.pop_back();
  EXPECT_ERROR(load(vocabulary), HasSubstr("token_type has 259 elements for 260 tokens"));
  vocabulary = test::byte_level();
  vocabulary.scores.pop_back();
  EXPECT_ERROR(load(vocabulary), HasSubstr("scores has 259 elements for 260 tokens"));
}

TEST(Vocab, DuplicateTextsAreRefusedAndEmptyOnesNamed) {
  auto vocabulary = test::byte_level();
  const Token empty = vocabulary.add("");
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
  EXPECT_EQ(*tokenizer.text(empty), "[EMPTY_260]");
  vocabulary.add("he");
  EXPECT_ERROR(load(vocabulary), HasSubstr("tokens[261] has the same text as token 256"));
}

TEST(Vocab, ScoresHaveToBeNumbers) {
  auto vocabulary = test::sentence_piece();
  vocabulary.scores[260] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_ERROR(load(vocabulary), HasSubstr("scores[260]"));
}

TEST(Vocab, IdsOutOfRangeAreIgnored) {
  auto vocabulary = test::byte_level();
  vocabulary.more = {{"tokenizer.ggml.bos_token_id", gguf::Value::u32(260)},
                     {"tokenizer.ggml.eos_token_id", gguf::Value::i32(-1)},
                     {"tokenizer.ggml.padding_token_id", gguf::Value::u32(7)}};
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
  EXPECT_THAT(tokenizer.bos(), Optional(11));  // GPT-2's default
  EXPECT_THAT(tokenizer.eos(), Optional(11));
  EXPECT_THAT(tokenizer.special().pad, Optional(7));
  EXPECT_EQ(tokenizer.special().mask, std::nullopt);

  vocabulary.more = {{"tokenizer.ggml.bos_token_id", gguf::Value::string("x")}};
  EXPECT_ERROR(load(vocabulary), HasSubstr("tokenizer.ggml.bos_token_id"));
}

TEST(Vocab, AbsurdMergesDoNoHarm) {
  auto vocabulary = test::byte_level();
  for (const char* merge : {"", " ", "nospace", " x", "x ", "h e", "no token", "\xff \xff", "a b c"})
    vocabulary.merges.push_back(merge);
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
  EXPECT_EQ(tokenizer.encode("hello", false, false), std::vector<Token>({258, 'o'}));
}

TEST(Vocab, TokensOutOfRangeHaveNoText) {
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(test::byte_level()));
  for (const Token token : {-1, 260, INT32_MIN, INT32_MAX}) {
    EXPECT_EQ(tokenizer.text(token), nullptr);
    EXPECT_EQ(tokenizer.piece(token, true), "");
    EXPECT_FALSE(tokenizer.is_eog(token));
  }
}

TEST(Vocab, EndOfTurnIsFoundByText) {
  auto vocabulary = test::byte_level();
  const Token document = vocabulary.add("<|endoftext|>");
  const Token turn = vocabulary.add("<|im_end|>", TokenType::user_defined);
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
  EXPECT_THAT(tokenizer.eot(), Optional(turn));
  EXPECT_TRUE(tokenizer.is_eog(document));
  EXPECT_TRUE(tokenizer.is_eog(turn));
  EXPECT_TRUE(tokenizer.is_eog(11));  // eos by default
  EXPECT_EQ(tokenizer.type(document), TokenType::control);
  EXPECT_EQ(tokenizer.type(turn), TokenType::control);
}

TEST(Vocab, FillInTheMiddleTokensAreFoundByTextOrByOldKeys) {
  auto vocabulary = test::byte_level();
  const Token prefix = vocabulary.add("<fim_prefix>", TokenType::user_defined);
  const Token pad = vocabulary.add("<fim_pad>");
  vocabulary.more = {{"tokenizer.ggml.suffix_token_id", gguf::Value::u32(9)}};
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
  EXPECT_THAT(tokenizer.special().fim_pre, Optional(prefix));
  EXPECT_THAT(tokenizer.special().fim_suf, Optional(9));
  EXPECT_TRUE(tokenizer.is_eog(pad));
  EXPECT_FALSE(tokenizer.is_eog(prefix));
  EXPECT_EQ(tokenizer.type(prefix), TokenType::control);
  EXPECT_EQ(tokenizer.type(9), TokenType::normal);  // named by its id
}

TEST(Vocab, HarmonyMessagesDoNotEndTheTurn) {
  auto vocabulary = test::byte_level();
  const Token end = vocabulary.add("<|end|>", TokenType::control);
  const Token channel = vocabulary.add("<|channel|>", TokenType::control);
  {
    ASSERT_OK_AND_ASSIGN(const auto phi, load(vocabulary));
    EXPECT_TRUE(phi.is_eog(end));
    EXPECT_EQ(phi.type(channel), TokenType::user_defined);
  }
  const Token last = vocabulary.add("<|return|>", TokenType::control);
  vocabulary.add("<|call|>", TokenType::control);
  ASSERT_OK_AND_ASSIGN(const auto harmony, load(vocabulary));
  EXPECT_FALSE(harmony.is_eog(end));
  EXPECT_EQ(harmony.type(end), TokenType::user_defined);
  EXPECT_TRUE(harmony.is_eog(last));
}

TEST(Vocab, StrikethroughIsATagWhereToolResponsesEndTurns) {
  auto vocabulary = test::byte_level();
  const Token tag = vocabulary.add("</s>");
  {
    ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
    EXPECT_TRUE(tokenizer.is_eog(tag));
  }
  vocabulary.add("<|tool_response>", TokenType::control);
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
  EXPECT_FALSE(tokenizer.is_eog(tag));
  EXPECT_EQ(tokenizer.type(tag), TokenType::normal);
}

TEST(Vocab, ChatTemplatesGoByName) {
  auto vocabulary = test::byte_level();
  vocabulary.more = {{"tokenizer.chat_template", gguf::Value::string("main")},
                     {"tokenizer.chat_template.tool_use", gguf::Value::string("tools")}};
  ASSERT_OK_AND_ASSIGN(const auto tokenizer, load(vocabulary));
  EXPECT_EQ(*tokenizer.chat_template(), "main");
  EXPECT_EQ(*tokenizer.chat_template("tool_use"), "tools");
  EXPECT_EQ(tokenizer.chat_template("none"), nullptr);
}

}  // namespace
}  // namespace halcyon::tokenizer
