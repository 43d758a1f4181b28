// Following a text through a grammar.
#include "tests/grammar/matching.h"

namespace halcyon::grammar {
namespace {

TEST(Matcher, GoesOnOnlyAsTheGrammarDoes) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= "yes" | "no" "!"?)"));
  Matcher matcher(grammar);
  EXPECT_FALSE(matcher.complete());
  EXPECT_TRUE(matcher.allows("n"));
  EXPECT_FALSE(matcher.allows("x"));
  EXPECT_FALSE(matcher.accept("nx"));  // and nothing has changed
  EXPECT_TRUE(matcher.accept("n"));
  EXPECT_FALSE(matcher.allows("yes"));
  EXPECT_TRUE(matcher.accept("o"));
  EXPECT_TRUE(matcher.complete());
  EXPECT_FALSE(matcher.finished());
  EXPECT_TRUE(matcher.accept("!"));
  EXPECT_TRUE(matcher.finished());
  EXPECT_FALSE(matcher.allows("!"));
  EXPECT_TRUE(matcher.accept(""));
}

TEST(Matcher, CopiesGoOnIndependently) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= "<" root ">" | "x")"));
  Matcher one(grammar);
  ASSERT_TRUE(one.accept("<<"));
  Matcher other = one;
  EXPECT_TRUE(one.accept("x>>"));
  EXPECT_TRUE(one.finished());
  EXPECT_FALSE(other.complete());
  EXPECT_TRUE(other.accept("<x>>>"));
  EXPECT_TRUE(other.finished());
}

TEST(Matcher, CharactersMayBeCutAnywhere) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= [à-ÿ🦀-🦉]+ "日本")"));
  const std::string text = "é🦉ÿ日本";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Matcher matcher(grammar);
      EXPECT_TRUE(matcher.accept(text.substr(0, first)));
      EXPECT_TRUE(matcher.accept(text.substr(first, second - first)));
      EXPECT_TRUE(matcher.accept(text.substr(second)));
      EXPECT_TRUE(matcher.finished());
    }
  }
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.accept("\xf0\x9f"));  // of U+1F989
  EXPECT_FALSE(matcher.complete());
  EXPECT_FALSE(matcher.allows("a"));
  EXPECT_FALSE(matcher.allows("\x98\x80"));  // U+1F600 is not in the class
  EXPECT_TRUE(matcher.allows("\xa6\x89"));
}

TEST(Matcher, FollowsAllReadingsOfAnAmbiguousText) {
  ASSERT_OK_AND_ASSIGN(const auto grammar,
                       Grammar::parse(R"(root ::= ("a" | "aa" | "a" "a" "a"){3,} "b" | "a"* "c")"));
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.accept(test::repeated("a", 10'000)));
  EXPECT_TRUE(matcher.allows("b"));
  EXPECT_TRUE(matcher.allows("c"));
}

TEST(Matcher, CountsWithoutUnfolding) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= ([a-z]{1000000} ","){0,1000000})"));
  EXPECT_LT(grammar->automaton().nodes.size(), 10u);
  Matcher matcher(grammar);
  const std::string word = test::repeated("abcdefghij", 100'000);
  ASSERT_TRUE(matcher.accept(word));
  EXPECT_FALSE(matcher.allows("a"));
  EXPECT_TRUE(matcher.accept(","));
  EXPECT_TRUE(matcher.complete());
}

}  // namespace
}  // namespace halcyon::grammar
