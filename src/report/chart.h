// Charts as HTML with inline SVG. They take their width from where they stand and keep the size of their
// text: positions along the x axis are percentages, and what belongs to a bar stands above it and wraps.
// Colours come from the classes c0 to c5 of the page's style; no chart tells things apart by colour alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace halcyon::report {

/// How many colours there are; whoever has more series than that goes round.
inline constexpr size_t kColours = 6;

struct Chart {
  std::string title;
  std::string body;  ///< HTML; foreign text in it is escaped
};

struct Bar {
  std::string label;
  size_t colour = 0;
  std::optional<double> value;      ///< empty: no bar
  std::optional<double> deviation;  ///< drawn as a whisker
  std::optional<double> capacity;   ///< drawn as an outline: the most it could be
  std::string text;                 ///< the value in words, or why there is none
  bool is_marked = false;           ///< the one to look at
};

struct BarGroup {
  std::string label;
  std::vector<Bar> bars;
};

/// Bars from zero, all on one scale.
Chart bar_chart(std::string title, const std::vector<BarGroup>& groups);

struct Axis {
  std::string title;
  bool is_log = false;
  double from = 0, to = 1;  ///< what is shown at least; the lines of a chart may widen it
};

struct Line {
  std::string name;
  size_t colour = 0;
  size_t dash = 0;  ///< 0: solid, 1: dashed, 2: dotted
  struct Point {
    double x = 0, y = 0;
  };
  std::vector<Point> points;
};

/// A place along the x axis, with a name.
struct Mark {
  double x = 0;
  std::string label;
};

/// `description`: what a reader who does not see the chart should know.
Chart line_chart(std::string title, std::string_view description, Axis x, Axis y,
                 const std::vector<Line>& lines, const std::vector<Mark>& marks = {});

/// Rows of spans along one axis: what holds from where to where. The labels say it in words.
struct Span {
  double from = 0, to = 0;
  size_t colour = 0;
  std::string label;
};
struct SpanRow {
  std::string label;
  std::vector<Span> spans;
};
Chart span_chart(std::string title, const Axis& x, const std::vector<SpanRow>& rows);

}  // namespace halcyon::report
