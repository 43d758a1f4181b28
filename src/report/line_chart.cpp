#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/chart.h"
#include "report/format.h"
#include "report/svg.h"

namespace halcyon::report {
namespace {

constexpr double kTop = 22;     // pixels, for the title of the y axis
constexpr double kPlot = 220;   // the plot itself
constexpr double kBottom = 40;  // the ticks and the title of the x axis
constexpr double kBand = 20;
constexpr size_t kMostPoints = 500;

/// From values to a share of the axis, 0 to 1.
class Scale {
 public:
  explicit Scale(const Axis& axis) : log_(axis.is_log), from_(map(axis.from)), to_(map(axis.to)) {}
  double operator()(double value) const { return std::clamp((map(value) - from_) / (to_ - from_), 0.0, 1.0); }

 private:
  double map(double value) const { return log_ ? std::log10(std::max(value, 1e-12)) : value; }
  bool log_;
  double from_, to_;
};

/// The distance of ticks: 1, 2 or 5 times a power of ten, for about four of them.
double step_of(double range) {
  const double rough = range / 4, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * 0.999) return factor * power;
  return 10 * power;
}

/// Some room beyond the values; a linear axis ends with a tick.
void widen(Axis& axis) {
  if (axis.is_log) {
    axis.from /= 1.3;
    axis.to *= 1.3;
  } else {
    if (!(axis.to > axis.from)) axis.to = axis.from + 1;
    const double step = step_of(axis.to - axis.from);
    axis.to = std::ceil(axis.to / step - 1e-9) * step;
  }
}

/// Of a logarithmic axis the powers of ten, and with less than two of them 2 and 5 times as much as well.
std::vector<double> ticks(const Axis& axis) {
  std::vector<double> at;
  if (axis.is_log) {
    const bool is_short = axis.to / axis.from < 100;
    for (int power = static_cast<int>(std::floor(std::log10(axis.from))); std::pow(10, power) <= axis.to;
         ++power)
      for (const double factor : {1.0, 2.0, 5.0})
        if (const double tick = factor * std::pow(10, power);
            (factor == 1 || is_short) && tick >= axis.from * 0.999 && tick <= axis.to * 1.001)
          at.push_back(tick);
  } else {
    const double step = step_of(axis.to - axis.from);
    const double n = std::floor((axis.to - axis.from) / step + 1e-6);
    for (double i = 0; i <= n; ++i) at.push_back(axis.from + i * step);
  }
  return at;
}

/// "0", "0.1", "500", "10k", "1M".
std::string tick_text(double value) {
  if (value >= 1e6) return fmt::format("{:g}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:g}k", value / 1e3);
  return fmt::format("{:g}", value);
}

std::string draw_x_axis(const Axis& axis, const Scale& scale, double top, double bottom) {
  std::string out;
  for (const double tick : ticks(axis)) {
    const double x = scale(tick) * 100;
    out += svg::line(x, top, x, bottom + 4, "grid");
    out += svg::text(x, bottom + 17, 0, svg::Anchor::middle, "muted", tick_text(tick));
  }
  return out + svg::text(100, bottom + 35, 0, svg::Anchor::end, "muted", axis.title);
}

std::string draw_y_axis(const Axis& axis, const Scale& scale) {
  std::string out = svg::text(0, 12, -40, svg::Anchor::start, "muted", axis.title);
  for (const double tick : ticks(axis)) {
    const double y = kTop + kPlot * (1 - scale(tick));
    out += svg::line(0, y, 100, y, "grid");
    out += svg::text(0, y + 4, -6, svg::Anchor::end, "muted", tick_text(tick));
  }
  return out + svg::line(0, kTop + kPlot, 100, kTop + kPlot, "axis");
}

/// Labels are written on the side with more room.
std::string draw_mark(const Mark& mark, const Scale& scale, double top, double bottom) {
  const double x = scale(mark.x) * 100;
  const bool left = x > 50;
  return svg::line(x, top, x, bottom, "mark") + svg::text(x, top + 12, left ? -6 : 6,
                                                          left ? svg::Anchor::end : svg::Anchor::start,
                                                          "strong", mark.label);
}

/// At most kMostPoints of them, the last one included.
std::vector<Line::Point> thinned(const std::vector<Line::Point>& points) {
  const size_t every = points.size() / kMostPoints + 1;
  std::vector<Line::Point> out;
  for (size_t i = 0; i < points.size(); i += every) out.push_back(points[i]);
  if (!points.empty() && (points.size() - 1) % every != 0) out.push_back(points.back());
  return out;
}

/// In a drawing of its own that is stretched to the width of the chart; the stroke is not.
std::string draw_line(const Line& line, const Scale& x, const Scale& y) {
  const std::string colour = fmt::format("c{}", line.colour % kColours);
  if (line.points.size() == 1)
    return svg::circle(x(line.points[0].x) * 100, kTop + kPlot * (1 - y(line.points[0].y)), 3,
                       "dot " + colour);
  std::string at;
  for (const Line::Point& point : thinned(line.points))
    at += fmt::format("{:.1f},{:.1f} ", x(point.x) * 1000, kPlot * (1 - y(point.y)));
  return fmt::format(
      R"(<svg x="0" y="{}" width="100%" height="{}" viewBox="0 0 1000 {}" preserveAspectRatio="none" )"
      R"(class="plot"><polyline class="line {} d{}" points="{}"/></svg>)",
      kTop, kPlot, kPlot, colour, line.dash % 3, at);
}

/// An entry of the legend.
std::string key(const Line& line) {
  return fmt::format(
      R"(<li><svg class="key" aria-hidden="true"><line class="line c{} d{}" x1="0" y1="6" x2="28" y2="6"/></svg>)"
      "{}</li>\n",
      line.colour % kColours, line.dash % 3, svg::escape(line.name));
}

}  // namespace

Chart line_chart(std::string title, std::string_view description, Axis x, Axis y,
                 const std::vector<Line>& lines, const std::vector<Mark>& marks) {
  for (const Line& line : lines)
    for (const Line::Point& point : line.points) {
      x.to = std::max(x.to, point.x);
      y.to = std::max(y.to, point.y);
      if (y.is_log) y.from = std::min(y.from, point.y);
    }
  widen(y);
  const Scale x_scale(x), y_scale(y);
  std::string drawing = draw_x_axis(x, x_scale, kTop, kTop + kPlot) + draw_y_axis(y, y_scale), legend;
  for (const Line& line : lines) {
    drawing += draw_line(line, x_scale, y_scale);
    legend += key(line);
  }
  for (const Mark& mark : marks) drawing += draw_mark(mark, x_scale, kTop, kTop + kPlot);
  std::string body = fmt::format(
      "<ul class=\"legend\">\n{}</ul>\n<svg class=\"chart axes\" height=\"{}\" "
      "role=\"img\">\n<title>{}</title>\n"
      "<desc>{}</desc>\n{}\n</svg>\n",
      legend, kTop + kPlot + kBottom, svg::escape(title), svg::escape(description), drawing);
  return {std::move(title), std::move(body)};
}

Chart span_chart(std::string title, const Axis& x, const std::vector<SpanRow>& rows) {
  const Scale scale(x);
  std::string body;
  for (const SpanRow& row : rows) {
    std::string keys, band;
    for (const Span& span : row.spans) {
      const std::string colour = fmt::format("band c{}", span.colour % kColours);
      const double from = scale(span.from) * 100, to = scale(span.to) * 100;
      keys += fmt::format("<li><svg class=\"key\" aria-hidden=\"true\">{}</svg>{}</li>\n",
                          svg::rect(0, 0, 100, 12, colour), svg::escape(span.label));
      band += svg::rect(from, 0, to - from, kBand, colour);
    }
    body += fmt::format(
        "<p class=\"group\">{}</p>\n<ul class=\"legend\">\n{}</ul>\n<svg class=\"chart\" height=\"{}\" "
        "aria-hidden=\"true\">{}</svg>\n",
        svg::escape(row.label), keys, kBand, band);
  }
  body += fmt::format("<svg class=\"chart\" height=\"{}\" aria-hidden=\"true\">{}</svg>\n", kBottom,
                      draw_x_axis(x, scale, 0, 0));
  return {std::move(title), std::move(body)};
}

}  // namespace halcyon::report
