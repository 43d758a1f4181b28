// Filters and methods.
#include <gmock/gmock.h>

#include "tests/support/support.h"
#include "tests/template/render.h"

namespace halcyon::jinja {
namespace {

using ::nlohmann::ordered_json;
using test::render;
using ::testing::HasSubstr;

const ordered_json names = ordered_json::parse(R"({
  "msgs": [{"role": "system", "content": "Be nice", "n": 3}, {"role": "user", "content": "Hi", "n": 1},
           {"role": "Assistant", "content": null, "n": 2, "tool_calls": [{"name": "f"}]}],
  "l": [3, 1, 2], "words": ["b", "A", "c", "a"], "d": {"b": 1, "A": 3, "c": 2}})");

void expect_values(std::initializer_list<std::pair<std::string_view, std::string_view>> cases) {
  for (const auto& [expression, expected] : cases)
    EXPECT_RENDERS("{{ " + std::string(expression) + " }}", expected, names);
}

TEST(TextFilters, CaseTrimReplaceAndFriends) {
  expect_values({{"'  x '|trim", "x"},
                 {"'xyx'|trim('x')", "y"},
                 {"'h\u00e9llo'|upper", "H\u00c9LLO"},
                 {"'stra\u00dfe'|upper", "STRASSE"},
                 {"'HELLO wORLD'|capitalize", "Hello world"},
                 {"\"o'neil's dog-house\"|title", "O'neil's Dog-House"},
                 {"'aaa'|replace('a', 'b', 2)", "bba"},
                 {"'h\u00e9'|length", "2"},
                 {"'a b  c'|wordcount", "3"},
                 {"'<b>\"\\'&'|e", "&lt;b&gt;&#34;&#39;&amp;"},
                 {"'<b>'|safe", "<b>"},
                 {"'a\\nb\\n\\nc'|indent(2)", "a\n  b\n\n  c"},
                 {"'a\\nb'|indent('> ', first=true)", "> a\n> b"},
                 {"'hello big world'|truncate(9)", "hello..."},
                 {"'hello big world'|truncate(10)", "hello big world"},  // five more are let through
                 {"'x'|center(5) ~ '|'", "  x  |"},
                 {"'a/b?\u00e9'|urlencode", "a/b%3F%C3%A9"},
                 {"'%s-%d'|format('a', 2)", "a-2"},
                 {"1.5|string ~ none|string", "1.5None"}});
}

TEST(NumberFilters, ConvertAndRoundAsPythonDoes) {
  expect_values({{"'3.7'|int", "3"},
                 {"'x'|int(5)", "5"},
                 {"'0x1f'|int(base=16)", "31"},
                 {"-3.99|int", "-3"},
                 {"'1e3'|float", "1000.0"},
                 {"2.5|round", "2.0"},
                 {"2.567|round(2)", "2.57"},
                 {"2.1|round(0, 'ceil')", "3.0"},
                 {"-5|abs", "5"}});
}

TEST(SequenceFilters, SelectMapSortAndGroup) {
  expect_values({{"l|sort", "[1, 2, 3]"},
                 {"words|sort", "['A', 'a', 'b', 'c']"},
                 {"words|sort(case_sensitive=true, reverse=true)", "['c', 'b', 'a', 'A']"},
                 {"msgs|sort(attribute='n')|map(attribute='n')|list", "[1, 2, 3]"},
                 {"msgs|map(attribute='role')|join(', ')", "system, user, Assistant"},
                 {"msgs|map(attribute='zz', default=0)|list", "[0, 0, 0]"},
                 {"words|map('upper')|list", "['B', 'A', 'C', 'A']"},
                 {"msgs|selectattr('role', 'equalto', 'user')|list|length", "1"},
                 {"msgs|rejectattr('tool_calls', 'defined')|map(attribute='n')|list", "[3, 1]"},
                 {"[0, 1, '', 2]|select|list", "[1, 2]"},
                 {"l|reject('odd')|list", "[2]"},
                 {"words|unique|list", "['b', 'A', 'c']"},
                 {"l|batch(2, 'x')|list", "[[3, 1], [2, 'x']]"},
                 {"range(7)|slice(3)|list", "[[0, 1, 2], [3, 4], [5, 6]]"},
                 {"l|sum ~ l|min ~ l|max ~ l|first ~ l|last", "61332"},
                 {"[]|first is defined", "False"},
                 {"'abc'|reverse", "cba"},
                 {"d|dictsort", "[('A', 3), ('b', 1), ('c', 2)]"},
                 {"d|dictsort(by='value')|map('first')|list", "['b', 'c', 'A']"},
                 {"d|items|list", "[('b', 1), ('A', 3), ('c', 2)]"},
                 {"[1, none, 'a']|join('-')", "1-None-a"},
                 {"''|default('x', true) ~ zz|d('y')", "xy"}});
  EXPECT_RENDERS("{% for role, group in msgs|groupby('role') %}{{ role }}{{ group|length }} {% endfor %}",
                 "Assistant1 system1 user1 ", names);
  EXPECT_RENDERS("{{ ['nan'|float, 'nan'|float, 1]|groupby(none)|list|length }}", "3");
  EXPECT_ERROR(render("{{ [3, 'a']|sort }}"), HasSubstr("cannot compare"));
}

TEST(SequenceFilters, LazyOnesAreTrueAndHaveNoLength) {
  EXPECT_RENDERS("{% if []|select %}t{% endif %}", "t");
  EXPECT_ERROR(render("{{ [1]|select|length }}"), HasSubstr("'generator' has no length"));
}

TEST(ToJson, WritesWhatPythonWrites) {
  expect_values({{"{'a': [1, 2.0, none, true], 'b': {}}|tojson", R"({"a": [1, 2.0, null, true], "b": {}})"},
                 {"{'a': [1], 'b': {}}|tojson(indent=2)", "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}"},
                 {"{'b': 1, 'a': 2}|tojson(sort_keys=true)", R"({"a": 2, "b": 1})"},
                 {"[1, 2]|tojson(separators=(',', ':'))", "[1,2]"},
                 {"'<\u00e9\"\\n\\x01'|tojson", "\"<\u00e9\\\"\\n\\u0001\""},
                 {"'\u00e9\U0001F989'|tojson(ensure_ascii=true)", R"("\u00e9\ud83e\udd89")"},
                 {"{1: 2, none: 3}|tojson", R"({"1": 2, "null": 3})"}});
  EXPECT_ERROR(render("{{ zz|tojson }}"), HasSubstr("'Undefined' cannot be written as JSON"));
}

TEST(StringMethods, SplitFindAndStrip) {
  expect_values({{"'a,b,c'.split(',')[-1]", "c"},
                 {"' a  b '.split()", "['a', 'b']"},
                 {"'a b c '.split(none, 1)", "['a', 'b c ']"},
                 {"'a b c'.rsplit(' ', 1)", "['a b', 'c']"},
                 {"'a\\nb\\r\\n'.splitlines()", "['a', 'b']"},
                 {"'a-b-c'.partition('-')", "('a', '-', 'b-c')"},
                 {"'xyx'.strip('x') ~ 'xyx'.lstrip('x') ~ 'xyx'.rstrip('x')", "yyxxy"},
                 {"'\u65e5\u672c\u8a9e'.find('\u8a9e')", "2"},
                 {"'abc'.find('z')", "-1"},
                 {"'banana'.rfind('an') ~ 'banana'.rfind('') ~ 'banana'.rfind('x')", "36-1"},
                 {"('-' ~ 'a' * 200).rfind('-') ~ ('a' * 200).rfind('-a')", "0-1"},
                 {"'aaaa'.rsplit('aaa') ~ 'a--b---c'.rsplit('--')", "['a', '']['a', 'b-', 'c']"},
                 {"'a-b-c'.rpartition('-') ~ 'abc'.rpartition('-')", "('a-b', '-', 'c')('', '', 'abc')"},
                 {"'h\u00c9llo stra\u00dfe'.swapcase()", "H\u00e9LLO STRASSE"},
                 {"'banana'.count('an')", "2"},
                 {"'abc'.startswith(('x', 'a')) and 'abc'.endswith('c')", "True"},
                 {"'abc'.removeprefix('a').removesuffix('c')", "b"},
                 {"', '.join(['a', 'b'])", "a, b"},
                 {"\"o'neil\".title()", "O'Neil"},
                 {"'-7'.zfill(4) ~ 'x'.ljust(3, '.') ~ 'x'.rjust(3, '.')", "-007x....x"},
                 {"'12'.isdigit() and 'ab'.isalpha() and not ''.isalpha()", "True"}});
  EXPECT_ERROR(render("{{ 'a'.split('') }}"), HasSubstr("separator is empty"));
  EXPECT_ERROR(render("{{ ','.join([1]) }}"), HasSubstr("item 0 is no string but 'int'"));
}

TEST(StringMethods, BothKindsOfFormat) {
  expect_values({{"'{} {}'.format(1, 'a')", "1 a"},
                 {"'{0:>5}|{1:<5}|{x:^7}'.format('a', 'b', x='c')", "    a|b    |   c   "},
                 {"'{:05.2f} {:,} {:x}'.format(3.14159, 1234567, 255)", "03.14 1,234,567 ff"},
                 {"'{a[x]} {{}}'.format(a={'x': 2})", "2 {}"},
                 {"'%5.1f|%-5s|%05d|%x|%%' % (3.14159, 'ab', 42, 255)", "  3.1|ab   |00042|ff|%"},
                 {"'%(b)s' % d", "1"}});
  EXPECT_ERROR(render("{{ '%s %s' % 'a' }}"), HasSubstr("fewer values"));
}

TEST(ContainerMethods, ChangeInPlace) {
  EXPECT_RENDERS(
      "{% set l = [1] %}{% do l.extend([2, 3]) %}{% do l.insert(0, 0) %}{{ l.pop() }}{{ l }}{{ l.index(2) }}",
      "3[0, 1, 2]2");
  EXPECT_RENDERS("{% set d = {'a': 1} %}{{ d.pop('a') }}{{ d.setdefault('b', 2) }}{{ d }}{{ d.get('z') }}",
                 "12{'b': 2}None");
  EXPECT_RENDERS(
      "{% set d = {} %}{% for i in range(50) %}{% do d.update({i: i * i}) %}{% endfor %}{{ d[7] }}{{ "
      "d|length }}",
      "4950");
}

}  // namespace
}  // namespace halcyon::jinja
