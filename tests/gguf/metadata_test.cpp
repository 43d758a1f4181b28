#include "tests/gguf/sample.h"

namespace halcyon::gguf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Metadata, GettersTakeAnyIntegerThatFits) {
  const Metadata m = sample_metadata();
  for (const auto& [key, value] :
       {std::pair("u8", 255u), std::pair("u16", 65535u), std::pair("u32", 4294967295u)}) {
    ASSERT_OK_AND_ASSIGN(const uint32_t v, m.u32(key));
    EXPECT_EQ(v, value);
  }
  EXPECT_ERROR(m.u32("i32"), AllOf(HasSubstr("\"i32\" is -5"), HasSubstr("expected 0 to 4294967295")));
  EXPECT_ERROR(m.u32("u64"), HasSubstr("\"u64\" is 18446744073709551615"));
  EXPECT_ERROR(m.u32("i64"), HasSubstr("-9223372036854775808"));
}

TEST(Metadata, FloatsBooleansAndStrings) {
  const Metadata m = sample_metadata();
  ASSERT_OK_AND_ASSIGN(const float f, m.f32("f32"));
  EXPECT_EQ(f, 1e-6f);
  EXPECT_ERROR(m.f32("f64"), HasSubstr("too large"));
  ASSERT_OK_AND_ASSIGN(const bool b, m.boolean("yes"));
  EXPECT_TRUE(b);
  ASSERT_OK_AND_ASSIGN(const std::string s, m.string("general.architecture"));
  EXPECT_EQ(s, "qwen3");
}

TEST(Metadata, ErrorsNameTheKeyWhatWasFoundAndWhatWasExpected) {
  const Metadata m = sample_metadata();
  EXPECT_ERROR(m.u32("words"), HasSubstr("\"words\" is of type array of string, expected an integer"));
  EXPECT_ERROR(m.string("u8"), HasSubstr("\"u8\" is of type u8, expected string"));
  EXPECT_ERROR(m.f32("absent"), HasSubstr("\"absent\" is missing, expected f32"));
  EXPECT_ERROR(m.boolean("u8"), HasSubstr("expected bool"));
  EXPECT_ERROR(m.strings("numbers"), HasSubstr("array of i32, expected an array of strings"));
  EXPECT_ERROR(m.integers("u8"), HasSubstr("\"u8\" is of type u8"));
}

TEST(Metadata, OptionalValuesFallBackOnlyIfTheKeyIsMissing) {
  const Metadata m = sample_metadata();
  EXPECT_EQ(m.u32_or("absent", 7).value(), 7u);
  EXPECT_EQ(m.u32_or("u8", 7).value(), 255u);
  EXPECT_EQ(m.f32_or("absent", 0.5f).value(), 0.5f);
  EXPECT_EQ(m.boolean_or("absent", true).value(), true);
  EXPECT_EQ(m.string_or("absent", "x").value(), "x");
  EXPECT_ERROR(m.u32_or("f32", 7), HasSubstr("is of type f32"));
}

TEST(Metadata, Arrays) {
  const Metadata m = sample_metadata();
  EXPECT_THAT(*m.strings("words").value(), ElementsAre("one", "", "drei\n"));
  EXPECT_THAT(*m.integers("numbers").value(), ElementsAre(-1, 0, 1));
  EXPECT_THAT(*m.floats("reals").value(), ElementsAre(0.5, -2.0));
  EXPECT_EQ(m.strings("absent").value(), nullptr);
}

TEST(Metadata, KeysAreUniqueAndNotEmpty) {
  Metadata m;
  ASSERT_OK(m.add("a", Value::u32(1)));
  EXPECT_ERROR(m.add("a", Value::u32(2)), HasSubstr("\"a\" occurs twice"));
  EXPECT_ERROR(m.add("", Value::u32(2)), HasSubstr("empty key"));
  m.set("a", Value::u32(3));
  EXPECT_EQ(m.u32("a").value(), 3u);
  EXPECT_EQ(m.entries().size(), 1u);
}

TEST(Metadata, KeysInErrorsStayOnOneLine) {
  const Metadata m;
  EXPECT_ERROR(m.u32("evil\nkey\x1b[2J"), testing::Not(testing::AnyOf(HasSubstr("\n"), HasSubstr("\x1b"))));
  EXPECT_ERROR(m.u32(std::string(100'000, 'x')),
               testing::ResultOf([](auto& s) { return s.size(); }, testing::Lt(300)));
}

}  // namespace
}  // namespace halcyon::gguf
