#include <fmt/format.h>

#include "report/page.h"
#include "report/page_style.h"
#include "report/svg.h"

namespace halcyon::report {
namespace {

using svg::escape;

class Html {
 public:
  std::string page(const Page& page) {
    std::string body =
        fmt::format("<header>\n<h1>{}</h1>\n{}</header>\n", escape(page.title), blocks(page.summary));
    for (const Section& section : page.sections)
      body += fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", escape(section.title),
                          blocks(section.blocks));
    // The policy is for what might slip through: nothing may be loaded and nothing may run.
    return fmt::format(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{}</title>
<style>{}{}</style>
</head>
<body>
<main>
{}</main>
</body>
</html>
)",
                       escape(page.title), kChartStyle, kPageStyle, body);
  }

 private:
  std::string blocks(const std::vector<Block>& blocks) {
    std::string out;
    for (const Block& block : blocks) out += std::visit([this](const auto& b) { return html(b); }, block);
    return out;
  }

  std::string html(const Paragraph& paragraph) { return fmt::format("<p>{}</p>\n", escape(paragraph.text)); }

  std::string html(const List& list) {
    std::string out = "<ul>\n";
    for (const std::string& item : list.items) out += fmt::format("<li>{}</li>\n", escape(item));
    return out + "</ul>\n";
  }

  std::string html(const Table& table) {
    if (table.use == Table::Use::without_chart) return "";
    std::string rows = row(table, nullptr);
    for (const auto& cells : table.rows) rows += row(table, &cells);
    const bool folded = table.use == Table::Use::detail;
    const std::string title = escape(table.title);
    // A table that is too wide for the page can be scrolled by itself, with the keyboard as well.
    const std::string out =
        fmt::format("<div class=\"wide\" tabindex=\"0\">\n<table>\n{}{}</table>\n</div>\n",
                    folded || title.empty() ? "" : "<caption>" + title + "</caption>\n", rows);
    return folded ? fmt::format("<details>\n<summary>{}</summary>\n{}</details>\n", title, out) : out;
  }

  /// A row of cells, or the titles.
  static std::string row(const Table& table, const std::vector<std::string>* cells) {
    std::string out = "<tr>";
    for (size_t c = 0; c < table.columns.size(); ++c) {
      const Table::Column& column = table.columns[c];
      const std::string_view style = column.is_figure ? " class=\"figure\"" : "";
      const bool is_head = cells == nullptr || c == 0;
      out += is_head ? fmt::format("<th scope=\"{}\"{}>", cells == nullptr ? "col" : "row", style)
                     : fmt::format("<td{}>", style);
      out += escape(cells == nullptr ? column.title : (*cells)[c]) + (is_head ? "</th>" : "</td>");
    }
    return out + "</tr>\n";
  }

  std::string html(const Chart& chart) {
    return fmt::format("<figure>\n<figcaption>{}</figcaption>\n{}</figure>\n", escape(chart.title),
                       chart.body);
  }
};

}  // namespace

std::string to_html(const Page& page) { return Html().page(page); }

}  // namespace halcyon::report
