#include "measure/json.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::HasSubstr;

TEST(Json, WhatIsNotJsonIsShown) {
  EXPECT_ERROR(parse_json("<html>"), HasSubstr("\"<html>\""));
  EXPECT_ERROR(parse_json(""), HasSubstr("not JSON"));
  EXPECT_ERROR(parse_json("{\"a\": \"\xff\"}"), HasSubstr("\\xff"));
  EXPECT_ERROR(parse_json("{} {}"), HasSubstr("not JSON"));
}

TEST(Json, DeepNestingIsRefused) {
  EXPECT_TRUE(parse_json(std::string(60, '[') + std::string(60, ']')));
  EXPECT_FALSE(parse_json(std::string(100'000, '[') + std::string(100'000, ']')));
}

TEST(Json, ValuesOfAnotherTypeAreNotThere) {
  ASSERT_OK_AND_ASSIGN(const Json json, parse_json(R"({"a": {"b": [1, "two", -3, 1e300, 4.5, null]}})"));
  EXPECT_EQ(count_at(json, "/a/b/0"), 1);
  EXPECT_EQ(string_at(json, "/a/b/1"), "two");
  EXPECT_EQ(count_at(json, "/a/b/1"), std::nullopt);
  EXPECT_EQ(number_at(json, "/a/b/2"), std::nullopt) << "negative";
  EXPECT_EQ(count_at(json, "/a/b/3"), std::nullopt) << "beyond all counts";
  EXPECT_EQ(count_at(json, "/a/b/4"), std::nullopt) << "not whole";
  EXPECT_EQ(number_at(json, "/a/b/4"), 4.5);
  EXPECT_EQ(string_at(json, "/a/b/5"), std::nullopt);
  EXPECT_EQ(find(json, "/a/b/6"), nullptr);
  EXPECT_EQ(find(json, "/a/b/x"), nullptr);
  EXPECT_EQ(find(json, "/a/b/0/deeper"), nullptr);
}

TEST(Json, ErrorsOfAllDialects) {
  EXPECT_EQ(error_in(Json{{"error", "model not found"}}), "model not found");
  EXPECT_EQ(error_in(Json{{"error", {{"message", "Loading model"}, {"code", 503}}}}), "Loading model");
  EXPECT_EQ(error_in(Json{{"error", 7}}), "7");
  EXPECT_EQ(error_in(Json{{"error", nullptr}}), std::nullopt);
  EXPECT_EQ(error_in(Json::array()), std::nullopt);
}

}  // namespace
}  // namespace halcyon::measure
