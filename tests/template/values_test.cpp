// Expressions: Python's values and operators.
#include <gmock/gmock.h>

#include "tests/support/support.h"
#include "tests/template/render.h"

namespace halcyon::jinja {
namespace {

using ::nlohmann::ordered_json;
using test::render;
using ::testing::HasSubstr;

void expect_values(std::initializer_list<std::pair<std::string_view, std::string_view>> cases,
                   const ordered_json& context = ordered_json::object()) {
  for (const auto& [expression, expected] : cases)
    EXPECT_RENDERS("{{ " + std::string(expression) + " }}", expected, context);
}

TEST(Literals, PrintAsInPython) {
  expect_values({{"true", "True"},
                 {"None", "None"},
                 {"1_000", "1000"},
                 {"0x1F + 0b11 + 0o17", "49"},
                 {"1e3", "1000.0"},
                 {"'a' \"b\"", "ab"},
                 {R"('\x41\u00e9\t\\ \' \d')", "A\u00e9\t\\ ' \\d"},
                 {"[1, 'it\\'s', none, (1,), {'a': 1.5}]", "[1, \"it's\", None, (1,), {'a': 1.5}]"},
                 {"['tab\\t', '\\x00', '\u00e9', '\\u200b']", "['tab\\t', '\\x00', '\u00e9', '\\u200b']"},
                 {"1, 2", "(1, 2)"}});
}

TEST(Numbers, FloatsPrintShortest) {
  expect_values({{"[1.0, 1e16, 1e15, 1e-4, 1e-5, 0.1, 1/3]",
                  "[1.0, 1e+16, 1000000000000000.0, 0.0001, 1e-05, 0.1, 0.3333333333333333]"},
                 {"3 * 1.1", "3.3000000000000003"},
                 {"1e308 * 10", "inf"}});
}

TEST(Numbers, ArithmeticFollowsPython) {
  expect_values({{"4 / 2", "2.0"},
                 {"-7 // 2", "-4"},
                 {"-7 % 3", "2"},
                 {"7 % -3", "-2"},
                 {"-7.5 // 2", "-4.0"},
                 {"2 ** 10", "1024"},
                 {"2 ** -1", "0.5"},
                 {"2 ** 100", "1267650600228229401496703205376"},
                 {"true + 1", "2"},
                 {"1 + 2 * 3 - 4 / 2", "5.0"},
                 {"10 - 2 - 3", "5"},
                 {"2 - -2", "4"}});
  EXPECT_ERROR(render("{{ 1 / 0 }}"), HasSubstr("division by zero"));
  EXPECT_ERROR(render("{{ 1 + 'a' }}"), HasSubstr("'+' cannot combine 'int' and 'str'"));
  EXPECT_ERROR(render("{{ 2 ** 1000 }}"), HasSubstr("out of range"));
}

TEST(Numbers, OddThingsThatJinjaDoes) {
  expect_values({{"-2 ** 2", "4"}, {"2 ** 3 ** 2", "64"}, {"-1|abs", "1"}, {"1 ~ 2 * 3", "16"}});
}

TEST(Comparisons, ChainAndCompareContents) {
  expect_values({{"1 < 2 < 3", "True"},
                 {"3 > 2 > 2", "False"},
                 {"1 == 1.0", "True"},
                 {"[1, {'a': 2}] == [1, {'a': 2.0}]", "True"},
                 {"(1,) == [1]", "False"},
                 {"[1, 2] < [1, 3]", "True"},
                 {"zz == none", "False"}});
  EXPECT_ERROR(render("{{ 'a' < 1 }}"), HasSubstr("cannot compare 'str' with 'int'"));
}

TEST(Logic, GivesTheOperandsThemselves) {
  expect_values({{"'' or 0 or 'x'", "x"},
                 {"1 and 'v'", "v"},
                 {"not 1 == 2", "True"},
                 {"'a' if 0 else 'b' if 0 else 'c'", "c"},
                 {"('a' if 0) is defined", "False"},
                 {"'ell' in 'hello' and 3 not in [1]", "True"},
                 {"'k' in {'k': 1}", "True"}});
}

TEST(Undefined, PrintsAsNothingButCannotBeUsed) {
  expect_values({{"zz", ""}, {"zz ~ 1", "1"}, {"{}.a is undefined", "True"}, {"none.x is defined", "False"}});
  EXPECT_ERROR(render("{{ zz + 1 }}"), HasSubstr("\"zz\" is undefined"));
  EXPECT_ERROR(render("{{ zz() }}"), HasSubstr("\"zz\" is undefined"));
  EXPECT_ERROR(render("{{ 'x'.foo() }}"), HasSubstr("'str object' has no attribute \"foo\""));
}

TEST(Dicts, KeysAreTheSameWhereTheyAreEqual) {
  expect_values({{"{1: 'a', 1.0: 'b', true: 'c'}", "{1: 'c'}"},
                 {"{(1, (2,)): 'a'}[(1.0, (2,))]", "a"},
                 {"(1, 2) in {(1, 2): 0} and (2, 1) not in {(1, 2): 0}", "True"},
                 {"{none: 1, '': 2, (): 3, 0: 4}", "{None: 1, '': 2, (): 3, 0: 4}"}});
  EXPECT_ERROR(render("{{ {[1]: 2} }}"), HasSubstr("'list' cannot be the key of a dict"));
}

TEST(Dicts, KeepTheirOrderWhenLarge) {
  EXPECT_RENDERS(
      "{% set d = {} %}{% for i in range(100) %}{% do d.update({i: i, i|string: -i}) %}{% endfor %}"
      "{% for i in range(95) %}{% do d.pop(i) %}{% do d.pop(i|string) %}{% endfor %}{% do d.update({97: 0}) "
      "%}"
      "{{ d }}{{ 7 in d }}{{ '99' in d }}",
      "{95: 95, '95': -95, 96: 96, '96': -96, 97: 0, '97': -97, 98: 98, '98': -98, 99: 99, '99': "
      "-99}FalseTrue");
}

TEST(Items, NegativeMissingAndNamed) {
  const auto context = ordered_json::parse(R"({"d": {"items": [1], "a": {"b": [[7]]}}, "l": [1, 2, 3]})");
  expect_values({{"l[-1]", "3"},
                 {"l[9] is defined", "False"},
                 {"d.a.b.0.0", "7"},
                 {"d['items']", "[1]"},
                 {"d.items() | length", "2"},
                 {"d['a']['b'][0]", "[7]"}},
                context);
}

TEST(Slices, CountCharactersAndStepBackwards) {
  expect_values({{"[1, 2, 3, 4][::-1]", "[4, 3, 2, 1]"},
                 {"[1, 2, 3, 4][1:-1]", "[2, 3]"},
                 {"[1, 2, 3, 4][::2]", "[1, 3]"},
                 {"'h\u00e9llo'[1:3]", "\u00e9l"},
                 {"'\u65e5\u672c'[::-1]", "\u672c\u65e5"},
                 {"'abc'[-100:100]", "abc"}});
  EXPECT_ERROR(render("{{ [1][::0] }}"), HasSubstr("cannot be 0"));
}

TEST(Integers, HoldWhatJsonCan) {
  EXPECT_RENDERS("{{ n }} {{ n + 1 }} {{ n|tojson }}",
                 "18446744073709551615 18446744073709551616 18446744073709551615",
                 ordered_json::parse(R"({"n": 18446744073709551615})"));
}

TEST(Functions, RangeDictNamespaceCyclerJoinerTime) {
  expect_values({{"range(5, 1, -2)|list", "[5, 3]"},
                 {"dict({'x': 1}, y=2)", "{'x': 1, 'y': 2}"},
                 {"namespace(a=1).a", "1"},
                 {"strftime_now('%d %b %Y, %H:%M')", "23 Jun 2026, 09:30"}});
  EXPECT_RENDERS("{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}",
                 "abab");
  EXPECT_RENDERS("{% set j = joiner('|') %}{% for i in [1, 2, 3] %}{{ j() }}{{ i }}{% endfor %}", "1|2|3");
}

TEST(Tests, OfKindsAndValues) {
  for (const std::string holds : {"1 is number",
                                  "true is number",
                                  "true is not integer",
                                  "1 is integer",
                                  "1.0 is float",
                                  "true is boolean",
                                  "'a' is string",
                                  "{} is mapping",
                                  "[] is sequence",
                                  "'a' is sequence",
                                  "{} is iterable",
                                  "5 is not iterable",
                                  "range is callable",
                                  "3 is odd",
                                  "4 is even",
                                  "9 is divisibleby 3",
                                  "9 is divisibleby(3)",
                                  "1 is eq 1",
                                  "1 is ne(2)",
                                  "1 is lt 2",
                                  "2 is ge 2",
                                  "3 is in [3]",
                                  "none is none",
                                  "1 is sameas 1",
                                  "[1] is not sameas [1]",
                                  "false is false",
                                  "1 is not true",
                                  "'ab' is lower",
                                  "'A1' is upper",
                                  "'upper' is filter",
                                  "zz is undefined"})
    EXPECT_RENDERS("{{ " + holds + " }}", "True");
}

}  // namespace
}  // namespace halcyon::jinja
