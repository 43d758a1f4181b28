// Nothing a template does may end the process, hang it or exhaust its memory.
#include "template/limits.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/support/support.h"
#include "tests/template/render.h"

namespace halcyon::jinja {
namespace {

using ::nlohmann::ordered_json;
using test::render;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string repeated(std::string_view text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

TEST(Limits, NestingInTheSource) {
  EXPECT_ERROR(render("{{ " + repeated("(", 100000)), StartsWith("line 1: "));
  EXPECT_ERROR(render("{{ " + repeated("(", 1000) + "1" + repeated(")", 1000) + " }}"),
               HasSubstr("nested more than"));
  EXPECT_ERROR(render("{{ " + repeated("[", 1000) + repeated("]", 1000) + " }}"),
               HasSubstr("nested more than"));
  EXPECT_ERROR(render("{{ " + repeated("-", 100000) + "1 }}"), HasSubstr("nested more than"));
  EXPECT_ERROR(render("{{ " + repeated("not ", 100000) + "1 }}"), HasSubstr("nested more than"));
  EXPECT_ERROR(render("{{ 1" + repeated(" if 1 else 1", 100000) + " }}"), HasSubstr("nested more than"));
  EXPECT_ERROR(render(repeated("{% if 1 %}", 100000)), HasSubstr("nested more than"));
  EXPECT_ERROR(render("{% for " + repeated("(", 100000) + "x"), StartsWith("line 1: "));
}

TEST(Limits, ChainsOfOperations) {
  for (const std::string_view link : {" + 1", " ~ 1", "|abs", ".a", "[0]", "()", " and 1"}) {
    SCOPED_TRACE(link);
    EXPECT_ERROR(render("{{ 1" + repeated(link, 100000) + " }}"), StartsWith("line 1: "));
  }
  EXPECT_RENDERS("{{ 0" + repeated(" + 1", 300) + " }}", "300");
}

TEST(Limits, EndlessRecursion) {
  EXPECT_ERROR(render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), HasSubstr("nested more than"));
  EXPECT_ERROR(
      render("{% set l = [1] %}{% do l.append(l) %}{% for x in l recursive %}{{ loop(l) }}{% endfor %}"),
      HasSubstr("nested more than"));
}

TEST(Limits, ALoopCalledAfterItsEnd) {
  EXPECT_RENDERS(
      "{% set ns = namespace() %}{% for x in [1] %}{% for y in [[7]] recursive %}{% set ns.f = loop %}"
      "{% if y is number %}{{ y }}{% endif %}{% endfor %}{% endfor %}{{ ns.f([8]) }}{{ ns.f([9]) }}{{ zz }}",
      "89");
}

TEST(Limits, NumbersAtTheEndOfTheirRange) {
  const std::string least = "(-170141183460469231731687303715884105727 - 1)";
  for (const std::string use : {"{}|abs", "-{}", "{} // -1", "{} - 1", "{} * -1"})
    EXPECT_ERROR(render("{{ " + fmt::format(fmt::runtime(use), least) + " }}"), HasSubstr("out of range"));
  for (const std::string use : {"{} % -1", "'x'.center({})", "'a b'.split(' ', {})", "'x'.zfill({})",
                                "'abc'.find('b', {})", "[1][{}:]", "'abc'[{}]", "[1, 2][::{}]"})
    EXPECT_TRUE(render("{{ " + fmt::format(fmt::runtime(use), least) + " }}").has_value()) << use;
}

TEST(Limits, ListsThatContainThemselves) {
  const std::string cycle = "{% set l = [] %}{% do l.append(l) %}{% set m = [] %}{% do m.append(m) %}";
  EXPECT_ERROR(render(cycle + "{{ l }}"), HasSubstr("nested more than"));
  EXPECT_ERROR(render(cycle + "{{ l|tojson }}"), HasSubstr("nested more than"));
  EXPECT_ERROR(render(cycle + "{{ l < m }}"), StartsWith("line 1: "));
  ASSERT_OK(render(cycle + "{{ l == m }}"));
}

TEST(Limits, SharedListsThatUnfoldExponentially) {
  const std::string grow =
      "{% set ns = namespace(x=[1]) %}{% set ms = namespace(x=[1]) %}{% for i in range(60) %}"
      "{% set ns.x = [ns.x, ns.x] %}{% set ms.x = [ms.x, ms.x] %}{% endfor %}";
  EXPECT_ERROR(render(grow + "{{ ns.x }}"), HasSubstr("too much work"));
  EXPECT_ERROR(render(grow + "{{ ns.x|tojson }}"), HasSubstr("too much work"));
  EXPECT_ERROR(render(grow + "{{ ns.x == ms.x }}"), HasSubstr("too much work"));
}

TEST(Limits, KeysOfDicts) {
  const std::string deep =
      "{% set ns = namespace(key=()) %}{% for i in range(300) %}{% set ns.key = (ns.key,) %}{% endfor %}";
  const std::string wide =
      "{% set ns = namespace(key=(1, 2)) %}{% for i in range(60) %}{% set ns.key = (ns.key, ns.key) %}"
      "{% endfor %}";
  for (const std::string use :
       {"{ns.key: 1}", "ns.key in {}", "{}[ns.key]", "{}.get(ns.key)", "{}.pop(ns.key)",
        "{}.setdefault(ns.key)", "dict([(ns.key, 1)])", "[ns.key]|unique|list"})
    EXPECT_ERROR(render(deep + "{{ " + use + " }}"), HasSubstr("nested more than 200 deep"));
  EXPECT_ERROR(render(wide + "{{ {ns.key: 1} }}"), HasSubstr("too much work"));
  EXPECT_ERROR(render(wide + "{{ [ns.key]|unique|list }}"), HasSubstr("too much work"));
}

TEST(Limits, DictsWhoseKeysAreHardToTellApart) {
  const auto filled = [](std::string_view key) {
    return fmt::format(
        "{{% set nan = 'nan'|float %}}{{% set d = {{}} %}}{{% for i in range(20000) %}}{{% do "
        "d.setdefault({}) %}}{{% endfor %}}{{{{ d|length }}}}",
        key);
  };
  EXPECT_RENDERS(filled("((i,),)"), "20000");
  EXPECT_RENDERS(filled("i"), "20000");
  EXPECT_ERROR(render(filled("nan")), HasSubstr("too much work"));  // never equal, always the same hash
  EXPECT_ERROR(render(filled("2 ** 120 + i")), HasSubstr("too much work"));  // the same as floats
}

TEST(Limits, SearchingTakesLinearTime) {
  const std::string text =
      "{% set s = 'a' * 4000000 %}{% set p = 'a' * 2000000 ~ 'b' %}{% set q = 'b' ~ p %}";
  for (const auto& [expression, expected] :
       std::initializer_list<std::pair<std::string, std::string>>{{"p in s", "False"},
                                                                  {"s.find(p)", "-1"},
                                                                  {"s.rfind(q)", "-1"},
                                                                  {"s.count(p)", "0"},
                                                                  {"s.split(p)|length", "1"},
                                                                  {"s.rsplit(q)|length", "1"},
                                                                  {"s.partition(p)[1]", ""},
                                                                  {"s.rpartition(q)[1]", ""},
                                                                  {"s.replace(p, '')|length", "4000000"},
                                                                  {"s.strip(p)|length", "0"}})
    EXPECT_RENDERS(text + "{{ " + expression + " }}", expected);
}

TEST(Limits, WorkInsideOfBuiltinsCounts) {
  const std::string prelude =
      "{% set s = 'A' * 10000000 %}{% set p = '%.0s' * 100000 %}{% set d = {} %}"
      "{% for i in range(30) %}{% do d.setdefault('k' ~ i, s) %}{% endfor %}"
      "{% for i in range(100000) %}";
  for (const std::string work : {"s is upper",
                                 "s in d",
                                 "[][s]",
                                 "d[s]",
                                 "''.strip(s)",
                                 "s.startswith((s[1:] ~ 'b',) * 1000)",
                                 "'{:.1}'.format(s)",
                                 "'%.1s' % s",
                                 "p % (('',) * 100000)",
                                 "('{k29:.0}' * 100000).format(**d)",
                                 "[s, s]|sort",
                                 "d|urlencode",
                                 "d|tojson(separators=(s, s))",
                                 "[1]|map(attribute=s)|list",
                                 "s.split('A')",
                                 "s.rsplit('A')",
                                 "(' ' * 10000000).splitlines()",
                                 "['a']|map('trim', s)|list",
                                 "['a']|select('in', s)|list",
                                 "range(1000000)|list"}) {
    SCOPED_TRACE(work);
    EXPECT_ERROR(render(prelude + "{% do " + work + " %}{% endfor %}"), HasSubstr("too much work"));
  }
  EXPECT_ERROR(render("{{ strftime_now('x' * 10000000) }}"), HasSubstr("exceeds 4096 bytes"));
  EXPECT_ERROR(render("{{ ('&' * 20000000)|escape }}"), HasSubstr("a string would exceed"));
}

TEST(Limits, FiltersThatCallFilters) {
  EXPECT_ERROR(render("{{ ['a']|map(*(['map'] * 100000 + ['upper'])) }}"),
               HasSubstr("at most 200 arguments"));
  EXPECT_RENDERS("{{ [['a', 'b']]|map('map', 'upper')|map('list')|list }}", "[['A', 'B']]");
}

TEST(Limits, AreTheErrorWhateverElseCameOfThem) {
  EXPECT_ERROR(render("{% set l = range(1000000)|list %}\n{% for i in range(99) %}{% do l.index(999999) %}"
                      "{% endfor %}"),
               StartsWith("line 2: the template does too much work"));
  EXPECT_ERROR(
      render("{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] "
             "%}{% set ns.m = [ns.m, ns.m] %}{% endfor %}\n{{ ns.l == ns.m }}"),
      StartsWith("line 2: the template does too much work"));
}

TEST(Limits, LoopsAndListsAreFinite) {
  EXPECT_ERROR(render("{% for i in range(10000) %}{% for j in range(10000) %}{% endfor %}{% endfor %}"),
               HasSubstr("too much work"));
  EXPECT_ERROR(render("{{ range(10 ** 12) }}"), HasSubstr("elements"));
  EXPECT_ERROR(render("{{ [0] * 10 ** 12 }}"), HasSubstr("elements"));
  EXPECT_ERROR(render("{{ [1]|batch(10 ** 12, 0)|list }}"), HasSubstr("elements"));
  EXPECT_ERROR(render("{% set l = [1] %}{% for i in range(99) %}{% do l.extend(l) %}{% endfor %}"),
               HasSubstr("line 1"));
}

TEST(Limits, TextIsFinite) {
  for (const std::string expression :
       {"'x' * 10 ** 9", "'x'|center(10 ** 9)", "'x'.rjust(10 ** 9)", "'x'.zfill(10 ** 9)",
        "'%999999999d' % 1", "'{:999999999}'.format(1)", "('x' * 10 ** 6).replace('', 'y' * 10 ** 6)",
        "'x'|indent(10 ** 9)", "('y' * 10 ** 6).join('x' * 10 ** 6)", "strftime_now('%999999999d')",
        "[1]|tojson(indent=10 ** 9)"})
    EXPECT_ERROR(render("{{ " + expression + " }}"), StartsWith("line 1: "));
  EXPECT_ERROR(
      render("{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
             "{% endfor %}"),
      HasSubstr("too much work"));
  EXPECT_ERROR(render("{% set s = 'x' * 10 ** 6 %}{% for i in range(1000) %}{{ s }}{% endfor %}"),
               HasSubstr("line 1"));
}

TEST(Limits, SourceAndContext) {
  EXPECT_ERROR(Template::parse(std::string(limits::source_bytes + 1, 'x')), HasSubstr("bytes"));
  ordered_json deep = 1;
  for (int i = 0; i < 1000; ++i) deep = ordered_json::array({deep});
  EXPECT_ERROR(render("x", {{"deep", deep}}), HasSubstr("nested more than"));
}

TEST(Limits, BytesThatAreNotUtf8PassThrough) {
  EXPECT_RENDERS("\xff{{ '\xfe\xc3' | upper }}{{ '\xe2\x82'|length }}",
                 "\xff\xfe\xc3"
                 "2");
}

TEST(Limits, ALongChatIsNowhereNearThem) {
  ordered_json messages = ordered_json::array();
  for (int i = 0; i < 200; ++i)
    messages.push_back({{"role", i % 2 ? "assistant" : "user"}, {"content", std::string(2000, 'x')}});
  const auto text = render(
      "{% set ns = namespace(out='') %}{% for m in messages %}{% set ns.out = ns.out + m.role + "
      "': ' + m.content.strip().split('</think>')[-1] %}{% endfor %}{{ ns.out }}",
      {{"messages", messages}});
  ASSERT_OK(text);
  EXPECT_GT(text->size(), 400'000u);
}

TEST(Template, IsSharedByThreads) {
  ASSERT_OK_AND_ASSIGN(const Template shared,
                       Template::parse("{% macro f(x) %}{{ x|upper }}{% endmacro %}"
                                       "{% for m in l %}{{ f(m) }}{{ loop.index }}{% endfor %}"));
  const ordered_json context = {{"l", {"a", "b"}}};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) EXPECT_EQ(shared.render(context).value_or("failed"), "A1B2");
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace halcyon::jinja
