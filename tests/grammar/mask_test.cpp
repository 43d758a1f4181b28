// Logits of tokens that the grammar does not allow.
#include <cmath>
#include <random>

#include "tests/grammar/matching.h"

namespace halcyon::grammar {
namespace {

using ::testing::ElementsAre;

std::vector<uint32_t> allowed(const Matcher& matcher, const Vocabulary& vocabulary) {
  std::vector<float> logits(vocabulary.n_tokens(), 1.0f);
  matcher.mask(vocabulary, logits);
  std::vector<uint32_t> tokens;
  for (uint32_t token = 0; token < logits.size(); ++token) {
    if (logits[token] == 1.0f)
      tokens.push_back(token);
    else
      EXPECT_EQ(logits[token], -INFINITY);
  }
  return tokens;
}

TEST(Mask, LeavesTheTokensThatMayComeNext) {
  const Vocabulary vocabulary({"", "a", "ab", "b", "abc", "a", "\xc3", "\xa9", "é"});
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= "ab" "é")"));
  Matcher matcher(grammar);
  EXPECT_THAT(allowed(matcher, vocabulary),
              ElementsAre(1, 2, 5));  // equal pieces alike, and never an empty one
  ASSERT_TRUE(matcher.accept("a"));
  EXPECT_THAT(allowed(matcher, vocabulary), ElementsAre(3));
  ASSERT_TRUE(matcher.accept("b"));
  EXPECT_THAT(allowed(matcher, vocabulary), ElementsAre(6, 8));
  ASSERT_TRUE(matcher.accept("\xc3"));
  EXPECT_THAT(allowed(matcher, vocabulary), ElementsAre(7));
  ASSERT_TRUE(matcher.accept("\xa9"));
  EXPECT_THAT(allowed(matcher, vocabulary), ElementsAre());
}

TEST(Mask, TokensThatTheVocabularyLacksAreNotAllowed) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse("root ::= .*"));
  std::vector<float> logits(3, 1.0f);
  Matcher(grammar).mask(Vocabulary({"a"}), logits);
  EXPECT_THAT(logits, ElementsAre(1.0f, -INFINITY, -INFINITY));
  Matcher(grammar).mask(Vocabulary({}), logits);
  EXPECT_THAT(logits, ElementsAre(-INFINITY, -INFINITY, -INFINITY));
}

TEST(Mask, IsTheSameForTheSameStateAndAnewForAnother) {
  const Vocabulary vocabulary({"a", "\"", "1"}), other({"\"", "a"});
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= "\"" [a-z]* "\"" [0-9])"));
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.accept("\""));
  EXPECT_THAT(allowed(matcher, vocabulary), ElementsAre(0, 1));
  ASSERT_TRUE(matcher.accept("abc"));
  EXPECT_THAT(allowed(matcher, vocabulary), ElementsAre(0, 1));
  EXPECT_THAT(allowed(matcher, other), ElementsAre(0, 1));
  ASSERT_TRUE(matcher.accept("\""));
  EXPECT_THAT(allowed(matcher, vocabulary), ElementsAre(2));
}

TEST(Mask, AgreesWithAllowsTokenByToken) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  const std::string_view units[] = {"{",    "}",    "[",    "]",    "\"",       "\\", ",", ":", " ",
                                    "\n",   "0",    "1",    "-",    ".",        "e",  "a", "b", "u",
                                    "true", "null", "\xc3", "\xa9", "\xf0\x9f", "é",  "日"};
  std::vector<std::string> pieces;
  for (int i = 0; i < 2'000; ++i) {
    std::string piece;
    for (size_t n = below(5); n > 0; --n) piece += units[below(std::size(units))];
    pieces.push_back(piece);
  }
  const Vocabulary vocabulary(pieces);

  const Result<test::GrammarPtr> grammars[] = {
      Grammar::json_object(),
      test::from_schema(
          R"({"type": "object", "properties": {"a": {"type": "integer"}, "é": {"maxLength": 4}, "b": {}}})"),
      Grammar::parse(R"(root ::= ([ab]{2,3} "," | "é" root?)* "日")"),
  };
  for (const auto& grammar : grammars) {
    ASSERT_OK(grammar);
    for (int round = 0; round < 10; ++round) {
      Matcher matcher(*grammar);
      for (int step = 0; step < 12; ++step) {
        std::vector<uint32_t> expected;
        for (uint32_t token = 0; token < pieces.size(); ++token)
          if (!pieces[token].empty() && matcher.allows(pieces[token])) expected.push_back(token);
        ASSERT_EQ(allowed(matcher, vocabulary), expected);
        if (expected.empty()) break;
        ASSERT_TRUE(matcher.accept(pieces[expected[below(expected.size())]]));
      }
    }
  }
}

}  // namespace
}  // namespace halcyon::grammar
