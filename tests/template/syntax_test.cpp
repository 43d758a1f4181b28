// Tags, white space, statements and scopes.
#include <gmock/gmock.h>

#include "tests/support/support.h"
#include "tests/template/render.h"

namespace halcyon::jinja {
namespace {

using ::nlohmann::ordered_json;
using test::render;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::StrEq;

const ordered_json names = ordered_json::parse(R"({"l": [3, 1, 2], "d": {"a": 1, "b": 2}, "s": "str",
    "tree": [{"n": 1, "c": [{"n": 2, "c": []}, {"n": 3, "c": [{"n": 4, "c": []}]}]}]})");

TEST(WhiteSpace, ANewlineBehindABlockAndTheIndentBeforeItAreDropped) {
  EXPECT_RENDERS("  {% if 1 %}\n  x\n  {% endif %}\n y", "  x\n y");
  EXPECT_RENDERS("{% if 1 %}\n\nx{% endif %}", "\nx");
  EXPECT_RENDERS("x {% if 1 %}y{% endif %}", "x y");
  EXPECT_RENDERS("  {# comment #}\n x", " x");
}

TEST(WhiteSpace, ExpressionsKeepWhatIsAroundThem) { EXPECT_RENDERS("  {{ 1 }}  \n x", "  1  \n x"); }

TEST(WhiteSpace, MinusStripsAndPlusKeeps) {
  EXPECT_RENDERS("a {%- if 1 -%} b {%- endif -%} c", "abc");
  EXPECT_RENDERS("a\n {{- 1 -}} \n b", "a1b");
  EXPECT_RENDERS("  {%+ if 1 %}x{% endif +%}\ny", "  x\ny");
  EXPECT_RENDERS("a  {#- x -#}  b", "ab");
}

TEST(WhiteSpace, LineEndsAreUnixAndTheLastOneIsDropped) {
  EXPECT_RENDERS("a\r\nb\rc\n\n", "a\nb\nc\n");
  EXPECT_RENDERS("{{ 1 }}\n", "1");
}

TEST(WhiteSpace, RawBlocksAreCopied) {
  EXPECT_RENDERS("x{% raw %} {{ a }} {% if %} {% endraw %}y", "x {{ a }} {% if %} y");
  EXPECT_RENDERS("{%- raw -%}  a  {%- endraw -%}  b", "ab");
}

TEST(If, TakesTheFirstBranchThatHolds) {
  EXPECT_RENDERS("{% if zz %}a{% elif l %}b{% else %}c{% endif %}", "b", names);
  EXPECT_RENDERS("{% if '' %}a{% elif 0 %}b{% else %}c{% endif %}", "c");
}

TEST(For, LoopTellsWhereItIs) {
  EXPECT_RENDERS(
      "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.first }}{{ loop.last }} "
      "{% endfor %}",
      "103TrueFalse 212FalseFalse 321FalseTrue ", names);
  EXPECT_RENDERS("{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
                 "<3>1 3<1>2 1<2> ", names);
  EXPECT_RENDERS("{% for x in l %}{{ loop.cycle('a', 'b') }}{{ loop.length }}{% endfor %}", "a3b3a3", names);
  EXPECT_RENDERS("{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}", "TrueFalseTrue");
}

TEST(For, UnpacksFiltersAndHasAnElse) {
  EXPECT_RENDERS("{% for k, v in d.items() %}{{ k }}{{ v }}{% endfor %}", "a1b2", names);
  EXPECT_RENDERS("{% for (a, b), c in [[[1, 2], 3]] %}{{ a + b + c }}{% endfor %}", "6");
  EXPECT_RENDERS("{% for x in l if x > 1 %}{{ x }}{{ loop.index }}/{{ loop.length }} {% endfor %}",
                 "31/2 22/2 ", names);
  EXPECT_RENDERS("{% for x in [] %}a{% else %}none{% endfor %}", "none");
  EXPECT_RENDERS("{% for x in undefined_name %}a{% else %}none{% endfor %}", "none");
}

TEST(For, BreakAndContinue) {
  EXPECT_RENDERS("{% for x in l %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}", "3", names);
  EXPECT_RENDERS("{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "32", names);
  EXPECT_ERROR(render("\n{% break %}"), StrEq("line 2: 'break' is not inside a loop"));
}

TEST(For, RecursiveLoopsCallThemselves) {
  EXPECT_RENDERS("{% for n in tree recursive %}{{ loop.depth }}:{{ n.n }} {{ loop(n.c) }}{% endfor %}",
                 "1:1 2:2 2:3 3:4 ", names);
}

TEST(Set, NamesUnpackingAndBlocks) {
  EXPECT_RENDERS("{% set a, b = 1, 2 %}{{ b }}{{ a }}", "21");
  EXPECT_RENDERS("{% set x %}a{{ 1 }}{% endset %}[{{ x }}]", "[a1]");
  EXPECT_RENDERS("{% set x | upper | replace('A', 'z') %}abc{% endset %}{{ x }}", "zBC");
}

TEST(Set, LoopsHaveTheirOwnNamesAndNamespacesAreTheWayOut) {
  EXPECT_RENDERS("{% set x = 0 %}{% for i in l %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "3120",
                 names);
  EXPECT_RENDERS(
      "{% set ns = namespace(x=0) %}{% for i in l %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}", "6",
      names);
  EXPECT_RENDERS("{% if true %}{% set x = 1 %}{% endif %}{{ x }}", "1");
  EXPECT_ERROR(render("{% set d.a = 5 %}", names), HasSubstr("\"d\": it is no namespace"));
}

TEST(Set, ListsAndDictsAreShared) {
  EXPECT_RENDERS("{% set a = [] %}{% set b = a %}{% do b.append(1) %}{{ a }}", "[1]");
  EXPECT_RENDERS("{% set a = {} %}{% set _ = a.update({'x': 1}) %}{{ a }}", "{'x': 1}");
}

TEST(Macro, ParametersByPositionNameAndDefault) {
  const std::string f = "{% macro f(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}";
  EXPECT_RENDERS(f + "{{ f(1) }}{{ f(1, c=3) }}{{ f(b=1, a=2) }}{{ f() }}", "[12x][123][21x][2x]");
  EXPECT_RENDERS("{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}",
                 "(1, 2){'x': 3}");
  EXPECT_ERROR(render(f + "\n{{ f(1, 2, 3, 4) }}"),
               StrEq("line 2: the macro \"f\" takes 3 arguments, 4 given"));
  EXPECT_ERROR(render(f + "{{ f(d=1) }}"), HasSubstr("the macro \"f\" has no parameter \"d\""));
}

TEST(Macro, SeesTheNamesWhereItWasDefinedAndItself) {
  EXPECT_RENDERS("{% macro f() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ f() }}", "1");
  EXPECT_RENDERS("{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
                 "3210");
  EXPECT_RENDERS("{% for x in l %}{% macro g() %}{{ x }}{% endmacro %}{{ g() }}{% endfor %}", "312", names);
  EXPECT_RENDERS("{% macro f() %}{% set y = 1 %}{% endmacro %}{{ f() }}{{ y is defined }}", "False");
}

TEST(Macro, CallBlocksHandTheirBodyOver) {
  EXPECT_RENDERS(
      "{% macro f(x) %}<{{ caller(x, 2) }}>{% endmacro %}{% call(a, b) f(1) %}{{ a }}-{{ b }}{% endcall %}",
      "<1-2>");
}

TEST(Blocks, WithFilterGenerationAndDo) {
  EXPECT_RENDERS("{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "155");
  EXPECT_RENDERS("{% filter upper %}abc{{ s }}{% endfilter %}", "ABCSTR", names);
  EXPECT_RENDERS("{% generation %}abc{% endgeneration %}", "abc");
}

TEST(Errors, SayTheLineAndWhatWasFound) {
  EXPECT_ERROR(render("a\n{{ 1"), StrEq("line 2: the tag is not closed: '}}' is missing"));
  EXPECT_ERROR(render("\n\n{% if 1 %}x\n"),
               StrEq("line 3: the template ends inside of 'if', opened in line 3: 'endif' is missing"));
  EXPECT_ERROR(render("{% for x l %}"), StrEq("line 1: expected 'in', found \"l\""));
  EXPECT_ERROR(render("{{ 1 2 }}"), StrEq("line 1: expected '}}', found \"2\""));
  EXPECT_ERROR(render("{% include 'a' %}"), HasSubstr("\"include\" is not supported"));
  EXPECT_ERROR(render("{# x"), HasSubstr("comment is not closed"));
  EXPECT_ERROR(render("{{ (1] }}"), HasSubstr("unexpected ']', expected ')'"));
  EXPECT_ERROR(render("{% endif %}"), HasSubstr("\"endif\" has nothing to end here"));
}

TEST(Errors, AtRunTimeTooEvenInsideOfMacros) {
  EXPECT_ERROR(render("{{ 1 }}\n{{ zz.y }}"), StrEq("line 2: \"zz\" is undefined"));
  EXPECT_ERROR(render("{% macro f() %}\n{{ {}.a.b }}{% endmacro %}\n\n{{ f() }}"),
               StrEq("line 2: 'dict object' has no attribute \"a\""));
  EXPECT_ERROR(render("{{ 'a'|nope }}"), HasSubstr("no filter named \"nope\""));
  EXPECT_RENDERS("{% if false %}{{ 'a'|nope }}{% endif %}ok", "ok");
}

TEST(Errors, QuoteWhatTheTemplateNames) {
  EXPECT_ERROR(render("{{ {}.pop('a\\n\\x1b[2J') }}"), HasSubstr(R"(no key "a\n\x1b[2J")"));
  EXPECT_ERROR(render("{{ {}['a\\n\\x1b[2J']() }}"), HasSubstr(R"(no attribute "a\n\x1b[2J")"));
  EXPECT_ERROR(render("{{ {}[7, '\\x1b']() }}"), HasSubstr("no element \"(7, '\\\\x1b')\""));
  EXPECT_ERROR(render("{{ 1|abs(**{'\\n': 1}) }}"), HasSubstr(R"(no argument named "\n")"));
  EXPECT_ERROR(render("{{ '%\\x1b' % 1 }}"), HasSubstr(R"("%\x1b" is unknown)"));
  EXPECT_ERROR(render("{{ [1]|map('\\x1b')|list }}"), HasSubstr(R"(no filter named "\x1b")"));
  EXPECT_ERROR(render("{{ a\u202eb() }}"), HasSubstr(R"("a\u202eb" is undefined)"));
  EXPECT_ERROR(render("{{ \x1b }}"), HasSubstr(R"(unexpected character "\x1b")"));
}

TEST(Errors, WhatATemplateRaisesIsPassedOn) {
  EXPECT_ERROR(render("\n{{ raise_exception('roles must alternate') }}"),
               StrEq("line 2: raised by the template: roles must alternate"));
}

TEST(Context, MustBeAnObject) { EXPECT_ERROR(render("x", ordered_json::array()), HasSubstr("JSON object")); }

}  // namespace
}  // namespace halcyon::jinja
