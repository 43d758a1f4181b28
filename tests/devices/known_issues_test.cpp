#include "devices/known_issues.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/support.h"

namespace halcyon::devices {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

const std::vector<std::string> kStrixHalo{"gfx1151"}, kOther{"gfx1201"};

TEST(KnownIssues, TheBuiltInOnesHaveASource) {
  ASSERT_OK_AND_ASSIGN(const auto issues, parse_known_issues(known_issues_json()));
  EXPECT_GE(issues.size(), 3u);
  for (const KnownIssue& issue : issues) {
    EXPECT_THAT(issue.source, StartsWith("https://"));
    EXPECT_FALSE(issue.what.empty());
    EXPECT_FALSE(issue.advice.empty());
  }
}

TEST(KnownIssues, ApplyToVersionsAndTargets) {
  ASSERT_OK_AND_ASSIGN(const auto known, parse_known_issues(known_issues_json()));
  EXPECT_THAT(issues_of(known, {{"kernel", "6.18.3-1"}}, kStrixHalo), SizeIs(1));
  EXPECT_THAT(issues_of(known, {{"kernel", "6.18.4-1"}}, kStrixHalo), SizeIs(0));
  EXPECT_THAT(issues_of(known, {{"kernel", "6.18.3-1"}}, kOther), SizeIs(0));
  EXPECT_THAT(issues_of(known, {{"linux-firmware", "20251125-2"}}, kStrixHalo), SizeIs(1));
  EXPECT_THAT(issues_of(known, {{"linux-firmware", "20260110-1"}}, kStrixHalo), SizeIs(0));
  EXPECT_THAT(issues_of(known, {{"rocr", "1.21.70300"}}, kOther), SizeIs(1));
  EXPECT_THAT(issues_of(known, {{"rocr", "1.18.70200"}}, kOther), SizeIs(0));
  EXPECT_THAT(issues_of(known, {}, kStrixHalo), SizeIs(0));
}

TEST(KnownIssues, RangesOfVersions) {
  ASSERT_OK_AND_ASSIGN(const auto known, parse_known_issues(R"({"issues": [
        {"component": "a", "from": "2.0", "before": "2.5", "what": "w", "advice": "x", "source": "s"},
        {"component": "b", "is": "1.2", "what": "w", "advice": "x", "source": "s"}]})"));
  const auto applies = [&](const char* component, const char* version) {
    return !issues_of(known, {{component, version}}, {}).empty();
  };
  EXPECT_FALSE(applies("a", "1.9"));
  EXPECT_TRUE(applies("a", "2.0"));
  EXPECT_TRUE(applies("a", "2.4.9"));
  EXPECT_FALSE(applies("a", "2.5"));
  EXPECT_TRUE(applies("b", "1.2"));
  EXPECT_TRUE(applies("b", "1.2.7"));
  EXPECT_FALSE(applies("b", "1.20"));
}

TEST(KnownIssues, AFileThatIsWrongSaysWhere) {
  EXPECT_ERROR(parse_known_issues("{"), HasSubstr("known issue 0"));
  EXPECT_ERROR(parse_known_issues(R"({"issues": [{"component": "a", "is": "1"}]})"), HasSubstr("what"));
  EXPECT_ERROR(
      parse_known_issues(R"({"issues": [{"component": "a", "what": "w", "advice": "x", "source": "s"}]})"),
      HasSubstr("none of is, from and before"));
}

}  // namespace
}  // namespace halcyon::devices
