// Pages as HTML, Markdown and text, and the charts in them.
#include "report/page.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kHostile = "<script>alert('x')</script> & \"a\" | `b` *c* [d](javascript:e) \x1b[2J \u202e";

/// A page with a foreign text wherever there can be one.
Page hostile_page() {
  const std::string& x = kHostile;
  const Axis axis{.title = x};
  return {.title = x,
          .summary = {Paragraph{x}, List{{x, x}}},
          .sections = {
              {x,
               {Table{.title = x, .columns = {{x}, {x, true}}, .rows = {{x, x}}, .use = Table::Use::shown},
                Table{.title = x, .columns = {{x}}, .rows = {{x}}, .use = Table::Use::detail},
                bar_chart(x, {{x, {{x, 0, 1.0, 0.5, 2.0, x}, {x, 1, {}, {}, {}, x, true}}}}),
                line_chart(x, x, axis, axis, {{x, 0, 0, {{0, 1}, {1, 2}}}, {x, 1, 1, {{0, 0}}}}, {{0.5, x}}),
                span_chart(x, axis, {{x, {{0, 1, 0, x}}}})}}}};
}

TEST(Html, EscapesForeignText) {
  const std::string html = to_html(hostile_page());
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("\x1b")), Not(HasSubstr("\u202e"))));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;a&quot;"));
}

TEST(Html, NeedsNothingElse) {
  const std::string html = to_html(hostile_page());
  EXPECT_THAT(html, AllOf(Not(HasSubstr("http:")), Not(HasSubstr("https:")), Not(HasSubstr("url(")),
                          Not(HasSubstr("<link")), Not(HasSubstr("<img"))));
  EXPECT_THAT(html, HasSubstr(R"(content="default-src 'none'; style-src 'unsafe-inline'")"));
}

TEST(Html, IsForLightAndDarkScreensAndPaper) {
  const std::string html = to_html(Page{.title = "a", .summary = {}, .sections = {}});
  EXPECT_THAT(html, AllOf(HasSubstr("@media (prefers-color-scheme: dark)"), HasSubstr("@media print"),
                          HasSubstr("name=\"viewport\"")));
}

TEST(Html, ATableThatStandsForAChartIsLeftOut) {
  Page page{.title = "a", .summary = {}, .sections = {}};
  for (const auto use : {Table::Use::shown, Table::Use::detail, Table::Use::without_chart})
    page.summary.emplace_back(
        Table{.title = "t" + std::to_string(int(use)), .columns = {{"c"}}, .rows = {{"x"}}, .use = use});
  EXPECT_THAT(to_html(page),
              AllOf(HasSubstr("<caption>t0<"), HasSubstr("<summary>t1<"), Not(HasSubstr("t2"))));
  EXPECT_THAT(to_markdown(page), AllOf(HasSubstr("**t0**"), HasSubstr("**t1**"), HasSubstr("**t2**")));
  EXPECT_THAT(to_text(page), AllOf(HasSubstr("t0"), Not(HasSubstr("t1")), Not(HasSubstr("t2"))));
}

TEST(Markdown, EscapesForeignText) {
  const std::string markdown = to_markdown(hostile_page());
  EXPECT_THAT(markdown,
              HasSubstr(R"(\<script\>alert('x')\</script\> \& "a" \| \`b\` \*c\* \[d\](javascript:e))"));
  EXPECT_THAT(markdown, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\u202e"))));
}

TEST(Markdown, TextThatLooksLikeMarkdownStaysText) {
  const auto line = [](const std::string& text) {
    const std::string markdown = to_markdown({.title = "t", .summary = {List{{text}}}, .sections = {}});
    return markdown.substr(markdown.find("- ") + 2);
  };
  EXPECT_EQ(line("# a"), "\\# a\n");
  EXPECT_EQ(line("- a"), "\\- a\n");
  EXPECT_EQ(line("12. a"), "12\\. a\n");
  EXPECT_EQ(line("12.5 a"), "12.5 a\n");
  EXPECT_EQ(line("see https://a.b and www.a.b"), "see https\\://a.b and www\\.a.b\n");
  EXPECT_EQ(line("two\nlines"), "two\\\\nlines\n");
}

TEST(Markdown, HasTables) {
  const Page page{
      .title = "t",
      .summary = {Table{.title = "", .columns = {{"a"}, {"b", true}}, .rows = {{"x", "1"}}, .use = {}}},
      .sections = {}};
  EXPECT_EQ(to_markdown(page), "# t\n\n| a | b |\n|---|---:|\n| x | 1 |\n");
}

TEST(Text, AlignsTables) {
  const Table table{
      .title = "", .columns = {{"a"}, {"b", true}}, .rows = {{"x±", "1"}, {"yyy", "100"}}, .use = {}};
  EXPECT_EQ(to_text(table), "  a      b\n  x±     1\n  yyy  100\n");
}

TEST(BarChart, BarsAreOnOneScale) {
  const std::string body =
      bar_chart("t", {{"g", {{"a", 0, 25.0, 5.0, {}, "25"}, {"b", 1, 50.0, {}, 100.0, "50"}}}}).body;
  EXPECT_THAT(body, HasSubstr(R"(<rect class="bar c0" x="0.00%" y="2.0" width="25.00%")"));
  EXPECT_THAT(body, HasSubstr(R"(<line class="whisker" x1="20.00%" y1="7.0" x2="30.00%")"));
  EXPECT_THAT(body, HasSubstr(R"(<rect class="bar c1" x="0.00%" y="2.0" width="50.00%")"));
  EXPECT_THAT(body, HasSubstr(R"(<rect class="outline" x="0.00%" y="2.0" width="100.00%")"));
}

TEST(BarChart, WhatIsNotKnownHasNoBar) {
  const std::string body = bar_chart("t", {{"g", {{"a", 0, {}, {}, {}, "not measured"}}}}).body;
  EXPECT_THAT(body, AllOf(HasSubstr("not measured"), Not(HasSubstr("<rect"))));
  EXPECT_THAT(bar_chart("t", {{"g", {{"a", 0, 0.0, {}, {}, "0"}}}}).body, Not(HasSubstr("<rect")));
}

TEST(LineChart, SpansItsAxes) {
  const Line line{"a", 2, 1, {{0, 0}, {5, 100}, {10, 50}}};
  const std::string body = line_chart("t", "d", {.title = "s"}, {.title = "%"}, {line}).body;
  EXPECT_THAT(body,
              HasSubstr(R"(<polyline class="line c2 d1" points="0.0,220.0 500.0,0.0 1000.0,110.0 "/>)"));
  EXPECT_THAT(body,
              AllOf(HasSubstr("<title>t</title>"), HasSubstr("<desc>d</desc>"), HasSubstr("role=\"img\"")));
  for (const char* tick : {">0<", ">50<", ">100<", ">10<"}) EXPECT_THAT(body, HasSubstr(tick));
}

TEST(LineChart, LogarithmicAxesHaveDecades) {
  const Line line{"a", 0, 0, {{1000, 5}, {2e6, 500}}};
  const std::string body =
      line_chart("t", "d", {.title = "x", .is_log = true, .from = 1000, .to = 1000},
                 {.title = "y", .is_log = true, .from = 5, .to = 5}, {line}, {{1e5, "here"}})
          .body;
  for (const char* tick : {">1000<", ">10k<", ">100k<", ">1M<", ">10<", ">100<"})
    EXPECT_THAT(body, HasSubstr(tick));
  EXPECT_THAT(body, Not(HasSubstr(">20<")));
  EXPECT_THAT(body, HasSubstr(R"(<line class="mark" x1="60.59%")"));  // log(100) / log(2000)
}

TEST(LineChart, ALongSeriesIsThinned) {
  Line line{"a", 0, 0, {}};
  for (int i = 0; i < 10'000; ++i) line.points.push_back({double(i), double(i % 7)});
  const std::string body = line_chart("t", "d", {.title = "s"}, {.title = "%"}, {line}).body;
  EXPECT_LT(std::ranges::count(body, ','), 600);
  EXPECT_THAT(body, HasSubstr(" 1000.0,"));  // its end
}

TEST(LineChart, OddValuesStillGiveADrawing) {
  for (const Line& line :
       {Line{"a", 0, 0, {}}, Line{"a", 0, 0, {{0, 0}}}, Line{"a", 0, 0, {{1e15, 1e15}, {1e15, 1e15}}}}) {
    const std::string body = line_chart("t", "d", {.title = "s"}, {.title = "%"}, {line}).body;
    EXPECT_THAT(body, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
  }
}

}  // namespace
}  // namespace halcyon::report
