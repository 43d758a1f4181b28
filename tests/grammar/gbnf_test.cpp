// GBNF: what can be written, and what errors say.
#include "tests/grammar/matching.h"

namespace halcyon::grammar {
namespace {

using test::expect_texts;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Gbnf, SequencesAlternativesAndGroups) {
  expect_texts(Grammar::parse(R"(root ::= "a" "b" | "c" ("d" | "e" "f"))"), {"ab", "cd", "cef"},
               {"", "a", "abc", "ce", "c"});
  expect_texts(Grammar::parse(R"(root ::= "a" ( | "b"))"), {"a", "ab"}, {"b"});
  expect_texts(Grammar::parse("root ::="), {""}, {"a"});
}

TEST(Gbnf, Repetition) {
  expect_texts(Grammar::parse(R"(root ::= "a"* "b"+ "c"?)"), {"b", "aabbc", "bc"}, {"a", "c", "bcc"});
  expect_texts(Grammar::parse(R"(root ::= "a"{2} "b"{1,} "c"{1, 3})"), {"aabc", "aabbbccc"},
               {"abc", "aac", "aabcccc", "aaabc"});
  expect_texts(Grammar::parse(R"(root ::= ("a" "b"?){0,2})"), {"", "a", "ab", "aba", "abab"}, {"ababa", "b"});
  expect_texts(Grammar::parse(R"(root ::= "a"{0} "b")"), {"b"}, {"ab"});
  expect_texts(Grammar::parse(R"(root ::= "a"{3,})"), {"aaa", "aaaaaaa"}, {"", "aa"});
  expect_texts(Grammar::parse(R"(root ::= ("a"{2}){2}{1,2})"), {"aaaa", "aaaaaaaa"}, {"aa", "aaaaaa"});
  expect_texts(Grammar::parse(R"(root ::= (("a"*)*)+ ("b"?){2,5})"), {"", "aaa", "abbbbb"}, {"bbbbbb"});
}

TEST(Gbnf, EscapesInLiterals) {
  expect_texts(Grammar::parse(R"(root ::= "\n\r\t\"\\\x41\u00e9\U0001F989é")"), {"\n\r\t\"\\Aé🦉é"},
               {"nrt\"\\Aé🦉é"});
}

TEST(Gbnf, CharacterClasses) {
  expect_texts(Grammar::parse(R"(root ::= [a-cX\-\]])"), {"a", "c", "X", "-", "]"}, {"d", "", "ab"});
  expect_texts(Grammar::parse(R"(root ::= [^a-c\n])"), {"d", "é", "🦉"}, {"a", "\n", "\xc3"});
  expect_texts(Grammar::parse(R"(root ::= [à-ÿ一-鿿])"), {"é", "日"}, {"e", "Ā", "ぁ"});
  expect_texts(Grammar::parse(R"(root ::= [a-])"), {"a", "-"}, {"b"});
  expect_texts(Grammar::parse("root ::= ."), {"a", "\n", "\u07ff", "\uffff", "\U0010FFFF"},
               {"", "\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"});
}

TEST(Gbnf, RulesOverSeveralLinesWithComments) {
  expect_texts(
      Grammar::parse(
          "# a list\nroot ::= item\n  # or more\n  (\",\" item)*\n\nitem ::= \"x\" # one\n  | \"y\"\n"),
      {"x", "x,y,x"}, {"", "x,", "xy"});
  expect_texts(Grammar::parse("root ::= a-1_B\r\na-1_B ::= \"x\"\r\n"), {"x"}, {"y"});
}

TEST(Gbnf, RecursionThatIsNotOnTheLeft) {
  expect_texts(Grammar::parse(R"(root ::= "<" root ">" root | "")"), {"", "<>", "<<><>><>"},
               {"<", ">", "<<>"});
}

TEST(GbnfErrors, SayLineColumnAndWhatWasExpected) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "line 1, column 1: expected a rule \"root\""},
      {"a ::= \"x\"", "expected a rule \"root\""},
      {"root ::= \"é\" b", "line 1, column 14: rule \"b\" is not defined"},
      {"root ::= \"a\"\nroot ::= \"b\"",
       "line 2, column 1: rule \"root\" is defined twice, first at line 1, column 1"},
      {"root = \"a\"", "line 1, column 6: expected \"::=\" after the name \"root\", found \"=\""},
      {"root ::= \"a\n", "line 1, column 10: the literal is not closed: '\"' is missing"},
      {"root ::= [a-z", "line 1, column 10: the class is not closed: ']' is missing"},
      {"root ::= [z-a]", "line 1, column 11: the range ends before it begins"},
      {"root ::= (\"a\"", "expected ')' for the '(' at line 1, column 10"},
      {"root ::= \"a\" )", "line 1, column 14: expected '|', a rule or a part of one, found \")\""},
      {"root ::= \"\\q\"", "line 1, column 11: expected one of \\n \\r"},
      {"root ::= \"\\u12\"", "line 1, column 15: expected 4 hexadecimal digits, found \"\\\"\" after 2"},
      {"root ::= \"\\ud800\"", "that is no surrogate"},
      {"root ::= \"a\"{3,2}", "line 1, column 13: the repetition {3,2} has its larger number first"},
      {"root ::= \"a\"{x}", "line 1, column 14: expected a number of repetitions, found \"x\""},
      {"root ::= \"a\"{9999999}", "expected a number of repetitions up to 1000000"},
      {"root ::= \"a\" b ::= \"c\"", "line 1, column 14: expected the end of the line before rule \"b\""},
      {"root ::= * \"a\"", "line 1, column 10: expected '|', a rule or a part of one, found \"*\""},
      {"root ::= \"\xff\"", "line 1, column 11: expected a character, found bytes that are not UTF-8"},
  };
  for (const auto& [source, message] : cases) {
    SCOPED_TRACE(source);
    EXPECT_ERROR(Grammar::parse(source), StartsWith("line "));
    EXPECT_ERROR(Grammar::parse(source), HasSubstr(message));
  }
}

TEST(GbnfErrors, LeftRecursionIsNamedWithItsCircle) {
  EXPECT_ERROR(
      Grammar::parse("root ::= root \"a\" | \"b\""),
      StartsWith(
          "line 1, column 1: left recursion: rule \"root\" can begin with itself: \"root\" -> \"root\""));
  EXPECT_ERROR(Grammar::parse("root ::= \"x\" a\na ::= \"y\"? b\nb ::= a | \"z\""),
               HasSubstr("left recursion"));
  EXPECT_ERROR(Grammar::parse("root ::= (root){2,3} | \"a\""), HasSubstr("left recursion"));
}

TEST(GbnfErrors, AGrammarWithoutAnyText) {
  EXPECT_ERROR(Grammar::parse("root ::= \"a\" root"), HasSubstr("rule \"root\" has no end"));
  EXPECT_ERROR(Grammar::parse("root ::= []"), HasSubstr("has no end"));
  // A part without end is never begun.
  ASSERT_OK_AND_ASSIGN(const auto grammar, Grammar::parse("root ::= \"ab\" | \"ac\" a\na ::= \"x\" a"));
  EXPECT_FALSE(Matcher(grammar).allows("ac"));
  EXPECT_TRUE(test::accepts(grammar, "ab"));
}

}  // namespace
}  // namespace halcyon::grammar
