#include "engine/stop_filter.h"

#include <gtest/gtest.h>

#include "engine/random.h"

namespace halcyon::engine {
namespace {

TEST(StopFilter, LetsTextThroughThatBeginsNoStopString) {
  StopFilter filter({"STOP", "\n\n"});
  EXPECT_EQ(filter.push("go on\nand on"), "go on\nand on");
  EXPECT_EQ(filter.finish(), "");
  EXPECT_EQ(filter.found(), nullptr);
}

TEST(StopFilter, WithoutStopStringsHoldsNothingBack) {
  StopFilter filter({});
  EXPECT_EQ(filter.push("abc"), "abc");
  EXPECT_EQ(filter.finish(), "");
}

TEST(StopFilter, HoldsBackTheBeginningOfAStopString) {
  StopFilter filter({"STOP"});
  EXPECT_EQ(filter.push("do not ST"), "do not ");
  EXPECT_EQ(filter.push("O"), "");
  EXPECT_EQ(filter.push("RE, ST"), "STORE, ");
  EXPECT_EQ(filter.finish(), "ST");
}

TEST(StopFilter, DropsEverythingFromTheStopStringOn) {
  StopFilter filter({"STOP"});
  EXPECT_EQ(filter.push("a S"), "a ");
  EXPECT_EQ(filter.push("TOP b"), "");
  ASSERT_NE(filter.found(), nullptr);
  EXPECT_EQ(*filter.found(), "STOP");
  EXPECT_EQ(filter.push("more"), "");
  EXPECT_EQ(filter.finish(), "");
}

TEST(StopFilter, TakesTheStopStringThatIsCompleteFirst) {
  StopFilter filter({"world", "lo w"});
  EXPECT_EQ(filter.push("hello world"), "hel");
  EXPECT_EQ(*filter.found(), "lo w");
  StopFilter nested({"b", "abc", "ab"});
  EXPECT_EQ(nested.push("xabc"), "x");
  EXPECT_EQ(*nested.found(), "ab");
}

TEST(StopFilter, OneThatOverlapsItselfIsFound) {
  StopFilter filter({"aab"});
  EXPECT_EQ(filter.push("aa"), "");
  EXPECT_EQ(filter.push("a"), "a");
  EXPECT_EQ(filter.push("b"), "");
  EXPECT_TRUE(filter.found());
}

TEST(StopFilter, GivesTheSameTextHoweverItIsCut) {
  Random random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random.next() % 20, 0);
    for (char& c : text) c = static_cast<char>('a' + random.next() % 2);
    std::vector<std::string> stops;
    for (int i = 0; i < 2; ++i) {
      stops.emplace_back(1 + random.next() % 4, 0);
      for (char& c : stops.back()) c = static_cast<char>('a' + random.next() % 2);
    }
    size_t expected = std::string::npos;
    for (size_t end = 1; end <= text.size() && expected == std::string::npos; ++end) {
      for (const std::string& stop : stops) {
        if (text.substr(0, end).ends_with(stop)) expected = std::min(expected, end - stop.size());
      }
    }
    StopFilter filter(stops);
    std::string out;
    for (size_t at = 0; at < text.size() && !filter.found();) {
      const size_t n = 1 + random.next() % 3;
      out += filter.push(std::string_view(text).substr(at, n));
      at += n;
    }
    out += filter.finish();
    ASSERT_EQ(out, text.substr(0, expected)) << text << " / " << stops[0] << " / " << stops[1];
    ASSERT_EQ(filter.found() != nullptr, expected != std::string::npos);
  }
}

}  // namespace
}  // namespace halcyon::engine
