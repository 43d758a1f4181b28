#include <fmt/format.h>

#include <algorithm>

#include "report/chart.h"
#include "report/svg.h"

namespace halcyon::report {
namespace {

constexpr double kHeight = 14;  // pixels, of which the bar takes all but two at either side
constexpr double kMiddle = kHeight / 2;

double extent(const Bar& bar) {
  return std::max(bar.value.value_or(0) + bar.deviation.value_or(0), bar.capacity.value_or(0));
}

/// `scale`: percent for one unit.
std::string draw(const Bar& bar, double scale) {
  std::string out;
  if (bar.capacity) out += svg::rect(0, 2, *bar.capacity * scale, kHeight - 4, "outline");
  // What is above zero is seen, however little it is.
  if (bar.value && *bar.value > 0)
    out += svg::rect(0, 2, std::max(*bar.value * scale, 0.4), kHeight - 4,
                     fmt::format("bar c{}", bar.colour % kColours));
  if (bar.value && bar.deviation && *bar.deviation > 0) {
    const double from = std::max(0.0, *bar.value - *bar.deviation) * scale;
    const double to = (*bar.value + *bar.deviation) * scale;
    out += svg::line(from, kMiddle, to, kMiddle, "whisker");
    for (const double end : {from, to}) out += svg::line(end, 3, end, kHeight - 3, "whisker");
  }
  return out + svg::line(0, 0, 0, kHeight, "axis");
}

}  // namespace

Chart bar_chart(std::string title, const std::vector<BarGroup>& groups) {
  double most = 0;
  for (const BarGroup& group : groups)
    for (const Bar& bar : group.bars) most = std::max(most, extent(bar));
  const double scale = most > 0 ? 100 / most : 0;

  // The text is the page's own, so that it can be read aloud, searched and wrapped; the bars only repeat it.
  std::string body;
  for (const BarGroup& group : groups) {
    if (!group.label.empty()) body += fmt::format("<p class=\"group\">{}</p>\n", svg::escape(group.label));
    body += "<ul class=\"bars\">\n";
    for (const Bar& bar : group.bars)
      body += fmt::format(
          "<li{}><span>{}</span> <span class=\"{}\">{}</span><svg aria-hidden=\"true\" "
          "height=\"{}\">{}</svg></li>\n",
          bar.is_marked ? " class=\"marked\"" : "", svg::escape(bar.label),
          bar.value ? "value" : "value muted", svg::escape(bar.text), kHeight, draw(bar, scale));
    body += "</ul>\n";
  }
  return {std::move(title), std::move(body)};
}

}  // namespace halcyon::report
