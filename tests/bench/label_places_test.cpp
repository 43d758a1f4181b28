#include "bench/label_places.h"

#include <gmock/gmock.h>

namespace halcyon::bench {
namespace {

using report::svg::Anchor;

TEST(LabelPlaces, TheFirstStandsBesideItsPoint) {
  LabelPlaces places({0, 0, 500, 300});
  const auto place = places.find(100, 100, 50);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->anchor, Anchor::start);
  EXPECT_EQ(place->distance, 0);
  EXPECT_GT(place->x, 100);
}

TEST(LabelPlaces, TheNextOneIsBesideOrBelow) {
  LabelPlaces places({0, 0, 500, 300});
  places.find(100, 100, 50);
  const auto left = places.find(100, 100, 50);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->anchor, Anchor::end);
  const auto third = places.find(100, 100, 50);
  ASSERT_TRUE(third);
  EXPECT_GT(third->distance, 0);
}

TEST(LabelPlaces, NothingIsWrittenOverTheEdge) {
  LabelPlaces places({0, 0, 500, 300});
  const auto place = places.find(490, 100, 50);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->anchor, Anchor::end);
  EXPECT_FALSE(places.find(250, 150, 600));
}

TEST(LabelPlaces, WhatIsTakenStaysFree) {
  LabelPlaces places({0, 0, 500, 300});
  places.occupy({0, 0, 500, 300});
  EXPECT_FALSE(places.find(100, 100, 50));
}

}  // namespace
}  // namespace halcyon::bench
