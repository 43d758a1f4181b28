// Nothing a request asks for may end the process, hang it or exhaust its memory.
#include "grammar/limits.h"

#include "tests/grammar/matching.h"

namespace halcyon::grammar {
namespace {

using test::repeated;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Limits, OfAGrammarsText) {
  EXPECT_ERROR(Grammar::parse("root ::= \"" + repeated("a", limits::source_bytes) + "\""),
               HasSubstr("at most"));
  EXPECT_ERROR(Grammar::parse("root ::= \"" + repeated("a", limits::nodes) + "\""),
               HasSubstr("the grammar is too large"));
  EXPECT_ERROR(Grammar::parse("root ::= " + repeated("(", 100'000)), HasSubstr("nested more than"));
  EXPECT_ERROR(Grammar::parse("root ::= " + repeated("|", limits::parts + 1)), HasSubstr("parts"));
  EXPECT_ERROR(Grammar::parse("root ::= \"a\"" + repeated("+", 1'000)), HasSubstr("repetitions"));
  std::string rules = "root ::= \"\"\n";
  for (size_t i = 0; i < limits::rules; ++i) rules += "r" + std::to_string(i) + " ::= \"\"\n";
  EXPECT_ERROR(Grammar::parse(rules), HasSubstr("rules"));
  EXPECT_ERROR(Grammar::parse("root ::= (\"a\"?){1000000}"),
               HasSubstr("repeats something that can be empty"));
}

TEST(Limits, SayThatTheyWereTheReason) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= "<" root ">" | "x")"));
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.accept(repeated("<", limits::stack_depth)));
  EXPECT_FALSE(matcher.allows("y"));
  EXPECT_FALSE(matcher.over_limit());
  EXPECT_FALSE(matcher.allows("<"));
  EXPECT_TRUE(matcher.over_limit());
  ASSERT_TRUE(matcher.accept("x"));
  EXPECT_FALSE(matcher.over_limit());
}

TEST(Limits, DepthOfAText) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= "<" root ">" | "x")"));
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.accept(repeated("<", limits::stack_depth)));
  EXPECT_FALSE(matcher.allows("<"));
  EXPECT_TRUE(matcher.accept("x" + repeated(">", limits::stack_depth)));
  EXPECT_TRUE(matcher.finished());
}

TEST(Limits, RightRecursionHasNoDepth) {
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse(R"(root ::= "a" root | "b")"));
  EXPECT_TRUE(test::accepts(grammar, repeated("a", 100'000) + "b"));
}

TEST(Limits, AmbiguityThatMultiplies) {
  ASSERT_OK_AND_ASSIGN(const auto grammar,
                       Grammar::parse(R"(root ::= "b" (("a" | "aa"){0,900} "c"?){1,900} | "b"+)"));
  Matcher matcher(grammar);
  ASSERT_TRUE(matcher.accept("b"));
  EXPECT_FALSE(matcher.accept(repeated("a", 800)));
  EXPECT_TRUE(matcher.accept("bb"));
  // A mask ends with what it has found in its time.
  ASSERT_OK_AND_ASSIGN(const auto nested, Grammar::parse(R"(root ::= "b" (("a"{1,900}){1,900}){0,900})"));
  Matcher inside(nested);
  ASSERT_TRUE(inside.accept("b"));
  std::vector<std::string> pieces;
  for (size_t i = 1; i < 100; ++i) pieces.push_back(repeated("a", i));
  std::vector<float> logits(pieces.size(), 1.0f);
  inside.mask(Vocabulary(pieces), logits);
  EXPECT_EQ(logits.front(), 1.0f);
  EXPECT_LT(logits.back(), 1.0f);
  EXPECT_ERROR(Grammar::parse(R"(root ::= (("a"?){0,900}){0,900} ("a"?){0,900})"),
               HasSubstr("too ambiguous"));
}

TEST(Limits, OfASchema) {
  EXPECT_ERROR(test::from_schema(repeated(R"({"items":)", 1'000) + "{}" + repeated("}", 1'000)),
               HasSubstr("nested more than"));
  nlohmann::ordered_json doubling = {{"$ref", "#/$defs/0"}};
  for (int i = 0; i < 40; ++i) {
    const nlohmann::ordered_json next = {{"$ref", "#/$defs/" + std::to_string(i + 1)}};
    doubling["$defs"][std::to_string(i)] = {{"allOf", {next, next}}};
  }
  doubling["$defs"]["40"] = {{"type", "string"}};
  EXPECT_ERROR(Grammar::from_json_schema(doubling), HasSubstr("too large"));
  EXPECT_ERROR(test::from_schema(R"({"allOf": [{"$ref": "#"}]})"), HasSubstr("more than 200 deep"));
  EXPECT_ERROR(test::from_schema(R"({"$ref": "#"})"), HasSubstr("left recursion"));
  EXPECT_ERROR(Grammar::from_json_schema({{"const", "\xff"}}), StartsWith("$: the schema cannot be read"));
}

}  // namespace
}  // namespace halcyon::grammar
