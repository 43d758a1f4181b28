// Finds room for labels in a picture.
#pragma once

#include <optional>
#include <vector>

#include "report/svg.h"

namespace halcyon::bench {

/// A rectangle in pixels.
struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;

  bool overlaps(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  bool contains(const Box& other) const {
    return left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom;
  }
};

/// Where the text of a label begins (or ends, by `anchor`) on its base line.
struct Place {
  double x = 0, y = 0;
  report::svg::Anchor anchor = report::svg::Anchor::start;
  double distance = 0;  ///< pixels from the point that it belongs to
};

class LabelPlaces {
 public:
  explicit LabelPlaces(const Box& picture) : picture_(picture) {}

  /// Nothing is written here.
  void occupy(const Box& box) { taken_.push_back(box); }

  /// The nearest free place to a point for a text of `width` pixels, which is taken then; nothing if there is
  /// none near enough.
  std::optional<Place> find(double x, double y, double width);

 private:
  const Box picture_;
  std::vector<Box> taken_;
};

}  // namespace halcyon::bench
