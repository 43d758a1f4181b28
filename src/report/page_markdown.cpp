#include <fmt/format.h>

#include "base/quote.h"
#include "report/format.h"
#include "report/page.h"

namespace halcyon::report {
namespace {

/// Text that Markdown shows as it is (CommonMark 2.4: any punctuation may be escaped). No link is made of
/// what looks like one.
std::string escape(std::string_view raw) {
  const std::string text = one_line(raw);
  std::string out;
  // What begins a list, a heading or a rule at the start of a line.
  const size_t after_digits = text.find_first_not_of("0123456789");
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins = i == 0 && std::string_view("-+=").find(c) != std::string_view::npos;
    const bool numbers =
        i == after_digits && i > 0 && (c == '.' || c == ')') && (i + 1 == text.size() || text[i + 1] == ' ');
    const bool links = (c == ':' && text.compare(i, 3, "://") == 0) ||
                       (c == '.' && i >= 3 && text.compare(i - 3, 3, "www") == 0);
    if (begins || numbers || links ||
        std::string_view("\\`*_{}[]<>|~&#$@!").find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

std::string to_markdown(const Paragraph& paragraph) { return escape(paragraph.text) + "\n"; }

std::string to_markdown(const List& list) {
  std::string out;
  for (const std::string& item : list.items) out += "- " + escape(item) + "\n";
  return out;
}

std::string to_markdown(const Table& table) {
  std::string out = table.title.empty() ? "" : fmt::format("**{}**\n\n", escape(table.title));
  std::string head = "|", rule = "|";
  for (const Table::Column& column : table.columns) {
    head += fmt::format(" {} |", escape(column.title));
    rule += column.is_figure ? "---:|" : "---|";
  }
  out += head + "\n" + rule + "\n";
  for (const auto& row : table.rows) {
    out += "|";
    for (const std::string& cell : row) out += fmt::format(" {} |", escape(cell));
    out += "\n";
  }
  return out;
}

std::string to_markdown(const Chart&) { return ""; }

std::string to_markdown(const std::vector<Block>& blocks) {
  std::string out;
  for (const Block& block : blocks) {
    const std::string text = std::visit([](const auto& b) { return to_markdown(b); }, block);
    if (!text.empty()) out += "\n" + text;
  }
  return out;
}

}  // namespace

std::string to_markdown(const Page& page) {
  std::string out = fmt::format("# {}\n{}", escape(page.title), to_markdown(page.summary));
  for (const Section& section : page.sections)
    out += fmt::format("\n## {}\n{}", escape(section.title), to_markdown(section.blocks));
  return out;
}

}  // namespace halcyon::report
