#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"
#include "report/format.h"
#include "report/page.h"

namespace halcyon::report {
namespace {

std::string to_text(const Block& block) {
  if (const auto* paragraph = std::get_if<Paragraph>(&block)) return one_line(paragraph->text) + "\n";
  if (const auto* table = std::get_if<Table>(&block))
    return table->use == Table::Use::shown ? to_text(*table) : "";
  std::string out;
  if (const auto* list = std::get_if<List>(&block))
    for (const std::string& item : list->items) out += "  - " + one_line(item) + "\n";
  return out;
}

std::string to_text(const std::vector<Block>& blocks) {
  std::string out;
  for (const Block& block : blocks)
    if (const std::string text = to_text(block); !text.empty()) out += (out.empty() ? "" : "\n") + text;
  return out;
}

}  // namespace

std::string to_text(const Table& table) {
  std::vector<std::vector<std::string>> rows(1);
  for (const Table::Column& column : table.columns) rows[0].push_back(column.title);
  rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  std::vector<size_t> widths(table.columns.size());
  for (auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) {
      row[c] = one_line(row[c]);
      widths[c] = std::max(widths[c], width_of(row[c]));
    }
  std::string out = table.title.empty() ? "" : one_line(table.title) + "\n";
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string fill(widths[c] - width_of(row[c]), ' ');
      out += "  " + (table.columns[c].is_figure ? fill + row[c] : row[c] + fill);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string to_text(const Page& page) {
  std::string out = one_line(page.title) + "\n\n" + to_text(page.summary);
  for (const Section& section : page.sections)
    if (const std::string text = to_text(section.blocks); !text.empty())
      out += fmt::format("\n{}\n\n{}", one_line(section.title), text);
  return out;
}

}  // namespace halcyon::report
