#include "report/svg.h"

#include <fmt/format.h>

#include <array>

#include "base/quote.h"
#include "report/format.h"

namespace halcyon::report::svg {

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : one_line(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string rect(double x, double y, double width, double height, std::string_view classes) {
  return fmt::format(R"(<rect class="{}" x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}"/>)", classes,
                     x, y, width, height);
}

std::string line(double x1, double y1, double x2, double y2, std::string_view classes) {
  return fmt::format(R"(<line class="{}" x1="{:.2f}%" y1="{:.1f}" x2="{:.2f}%" y2="{:.1f}"/>)", classes, x1,
                     y1, x2, y2);
}

std::string circle(double x, double y, double radius, std::string_view classes) {
  return fmt::format(R"(<circle class="{}" cx="{:.2f}%" cy="{:.1f}" r="{:.1f}"/>)", classes, x, y, radius);
}

std::string text(double x, double y, double dx, Anchor anchor, std::string_view classes,
                 std::string_view text) {
  static constexpr std::array<std::string_view, 3> kAnchors{"start", "middle", "end"};
  return fmt::format(R"(<text class="{}" x="{:.2f}%" y="{:.1f}" dx="{:.0f}" text-anchor="{}">{}</text>)",
                     classes, x, y, dx, kAnchors[static_cast<size_t>(anchor)], escape(text));
}

}  // namespace halcyon::report::svg
