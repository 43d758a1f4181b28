#include "bench/roofline.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/bench/sample.h"

namespace halcyon::bench {
namespace {

using test::sample_models;
using test::sample_result;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Whether every element is closed in its turn.
bool is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (size_t at = xml.find('<'); at != xml.npos; at = xml.find('<', at)) {
    const size_t end = xml.find('>', at);
    if (end == xml.npos) return false;
    const std::string tag = xml.substr(at + 1, end - at - 1);
    at = end;
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(tag.substr(0, tag.find_first_of(" \n")));
    }
  }
  return open.empty();
}

size_t count(const std::string& text, std::string_view what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; ++at) ++n;
  return n;
}

TEST(Roofline, HasAPointAndALabelForEachCase) {
  CaseResult prefill = sample_result();
  prefill.what = {.kind = Case::Kind::prefill, .n_tokens = 512};
  prefill.work.int8_macs = 60e9;
  const std::string svg = roofline({sample_result(), prefill}, sample_models());
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<circle"), 2u);
  EXPECT_THAT(svg, AllOf(HasSubstr(">tg100 20.0 %</text>"), HasSubstr(">pp512 60.0 %</text>"),
                         HasSubstr("2 threads, avx2: read 10.0 GB/s; int8 100 and, dashed, float32 50.0"),
                         HasSubstr("multiply-adds per byte streamed"), HasSubstr(">G multiply-adds/s<"),
                         HasSubstr("@media (prefers-color-scheme: dark)")));
}

TEST(Roofline, EachNumberOfThreadsHasItsRoofs) {
  CaseResult one = sample_result();
  one.setup.threads = 1;
  const std::string svg = roofline({sample_result(), one}, sample_models());
  EXPECT_THAT(svg, AllOf(HasSubstr("1 thread, avx2"), HasSubstr("2 threads, avx2"), HasSubstr("dot c1"),
                         HasSubstr(">tg100, 1 thread 20.0 %<")));
}

TEST(Roofline, LabelsTellModelsApartAndEscapeTheirNames) {
  std::vector<ModelFile> models = sample_models();
  models.push_back(std::move(sample_models()[0]));
  CaseResult other = sample_result();
  other.setup.model = 1;
  const std::string svg = roofline({sample_result(), other}, models);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, AllOf(HasSubstr("tg100 a&lt;b&gt; 20.0 %"), Not(HasSubstr("a<b>"))));
}

TEST(Roofline, ManyCasesInOnePlaceAreStillAPicture) {
  const std::string svg = roofline(std::vector<CaseResult>(200, sample_result()), sample_models());
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(count(svg, "<circle"), 200u);
}

TEST(Roofline, NothingIsAPictureToo) {
  EXPECT_TRUE(is_well_formed(roofline({}, sample_models())));
  CaseResult empty = sample_result();
  empty.work = {};
  const std::string svg = roofline({empty}, sample_models());
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf%"))));
}

}  // namespace
}  // namespace halcyon::bench
