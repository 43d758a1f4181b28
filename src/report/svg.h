// Elements of an SVG drawing. Along x in percent of its width, along y in pixels.
#pragma once

#include <string>
#include <string_view>

namespace halcyon::report::svg {

/// `text` with control characters and what HTML gives a meaning to escaped.
std::string escape(std::string_view text);

std::string rect(double x, double y, double width, double height, std::string_view classes);
std::string line(double x1, double y1, double x2, double y2, std::string_view classes);
std::string circle(double x, double y, double radius, std::string_view classes);

enum class Anchor { start, middle, end };

/// `dx`: pixels to the right.
std::string text(double x, double y, double dx, Anchor anchor, std::string_view classes,
                 std::string_view text);

}  // namespace halcyon::report::svg
