// What a report says, apart from how it is written down: sections of texts, tables and charts. All texts are
// plain; each way to write a page escapes them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "report/chart.h"

namespace halcyon::report {

struct Paragraph {
  std::string text;
};

struct List {
  std::vector<std::string> items;
};

struct Table {
  struct Column {
    std::string title;
    bool is_figure = false;  ///< aligned on the right
  };
  std::string title;  ///< what it shows; empty: the section says it
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
  enum class Use {
    shown,
    detail,        ///< folded away on a screen, left out of a terminal
    without_chart  ///< what a chart shows: only where there is none
  };
  Use use = Use::shown;
};

using Block = std::variant<Paragraph, List, Table, Chart>;

struct Section {
  std::string title;
  std::vector<Block> blocks;
};

struct Page {
  std::string title;
  std::vector<Block> summary;
  std::vector<Section> sections;
};

/// One file that needs nothing else: no network, no script. Light and dark, for screens from 320 pixels on
/// and for paper.
std::string to_html(const Page& page);

/// CommonMark with tables (GitHub's), which stand for the charts.
std::string to_markdown(const Page& page);

/// For a terminal. Charts and their tables are left out.
std::string to_text(const Page& page);
std::string to_text(const Table& table);  ///< columns as wide as their widest cell

}  // namespace halcyon::report
