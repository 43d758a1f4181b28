#include "bench/label_places.h"

#include <algorithm>
#include <cmath>

namespace halcyon::bench {
namespace {

constexpr double kHeight = 15, kAscent = 11;  // of a line of text
constexpr double kGap = 9;                    // between a point and its label
constexpr int kMostLines = 6;                 // of distance to its point

}  // namespace

std::optional<Place> LabelPlaces::find(double x, double y, double width) {
  using report::svg::Anchor;
  for (int lines = 0; lines <= kMostLines; ++lines)
    for (const double dy : {-lines * kHeight, lines * kHeight})
      for (const Anchor anchor : {Anchor::start, Anchor::end}) {
        const double dx = anchor == Anchor::start ? kGap : -kGap;
        const Place place = {.x = x + dx, .y = y + dy + 4, .anchor = anchor, .distance = std::abs(dy)};
        const double left = anchor == Anchor::start ? place.x : place.x - width;
        const Box box = {left, place.y - kAscent, left + width, place.y - kAscent + kHeight};
        const auto hits = [&](const Box& other) { return box.overlaps(other); };
        if (!picture_.contains(box) || std::ranges::any_of(taken_, hits)) continue;
        taken_.push_back(box);
        return place;
      }
  return std::nullopt;
}

}  // namespace halcyon::bench
