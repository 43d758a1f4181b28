// Files that are damaged or made to do harm: each is an error that says where, and nothing else happens.
#include <random>

#include "tests/gguf/sample.h"

namespace halcyon::gguf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int32_t kF32 = 0, kQ8_0 = 8;

TEST(Hostile, AFileCutAtAnyByteIsAnError) {
  const std::string whole = sample_file();
  const size_t end_of_data = whole.size() - 22;  // the last tensor is padded from 74 to 96 bytes
  for (size_t n = 0; n < end_of_data; ++n)
    EXPECT_ERROR(parse(whole.substr(0, n)), HasSubstr("sample.gguf: "));
  for (size_t n = end_of_data; n <= whole.size(); ++n) ASSERT_OK(parse(whole.substr(0, n)));
}

TEST(Hostile, AChangedByteNeverDoesHarm) {
  const std::string whole = sample_file();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      (void)parse(changed);
    }
  }
}

TEST(Hostile, RandomDamageNeverDoesHarm) {
  constexpr uint32_t kSeed = 713;
  SCOPED_TRACE(fmt::format("seed {}", kSeed));
  std::mt19937 random(kSeed);
  const std::string whole = sample_file();
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = whole;
    for (uint32_t n = random() % 8; n <= 8; ++n)
      changed[random() % changed.size()] = static_cast<char>(random());
    (void)parse(changed);
  }
}

TEST(Hostile, WhatIsNotGguf) {
  EXPECT_ERROR(parse(""), HasSubstr("byte 0"));
  EXPECT_ERROR(parse("PK\x03\x04 and some more"),
               HasSubstr("not a GGUF file: it begins with \"PK\\x03\\x04\""));
}

TEST(Hostile, Versions) {
  ASSERT_OK(parse(RawFile(0, 0, 2).bytes));
  ASSERT_OK(parse(RawFile(0, 0, 3).bytes));
  for (const uint32_t version : {0u, 1u, 4u, 0x00010001u})
    EXPECT_ERROR(parse(RawFile(0, 0, version).bytes),
                 HasSubstr(fmt::format("version {}, known are 2 and 3", version)));
  EXPECT_ERROR(parse(RawFile(0, 0, 0x03000000).bytes), HasSubstr("big-endian"));
}

TEST(Hostile, CountsBeyondTheFile) {
  for (const uint64_t n : {uint64_t{10}, uint64_t{1} << 40, uint64_t{1} << 63, ~uint64_t{0}}) {
    EXPECT_ERROR(parse(RawFile(n, 0).bytes),
                 AllOf(HasSubstr(fmt::format("header of {} tensors", n)), HasSubstr("byte")));
    EXPECT_ERROR(parse(RawFile(0, n).bytes), HasSubstr(fmt::format("header of {} keys", n)));
  }
}

TEST(Hostile, StringsBeyondTheFile) {
  for (const uint64_t n : {uint64_t{100}, uint64_t{1} << 31, ~uint64_t{0}}) {
    EXPECT_ERROR(parse(RawFile(0, 1).put(n).put(uint64_t{0}).put(uint64_t{0}).bytes),
                 AllOf(HasSubstr("key 1 of 1"), HasSubstr(fmt::format("{} bytes", n))));
    EXPECT_ERROR(parse(RawFile(0, 1).key("k", ValueType::string).put(n).bytes), HasSubstr("key \"k\""));
  }
}

TEST(Hostile, ArraysBeyondTheFile) {
  for (int32_t type = 0; type <= 12; ++type) {
    if (type == 9) continue;
    for (const uint64_t n : {uint64_t{1000}, uint64_t{1} << 30, uint64_t{1} << 61, ~uint64_t{0}}) {
      const RawFile file =
          RawFile(0, 1).key("k", ValueType::array).put(type).put(n).put(uint64_t{0}).put(uint64_t{0});
      EXPECT_ERROR(parse(file.bytes),
                   AllOf(HasSubstr("key \"k\""), HasSubstr(fmt::format("array of {}", n))));
    }
  }
}

TEST(Hostile, NestedArraysAndUnknownValueTypes) {
  const auto nested =
      RawFile(0, 1).key("k", ValueType::array).put(int32_t{9}).put(uint64_t{1}).put(uint64_t{0});
  EXPECT_ERROR(parse(nested.bytes), AllOf(HasSubstr("key \"k\""), HasSubstr("array of arrays")));
  for (const int32_t type : {13, -1, INT32_MAX, INT32_MIN}) {
    const auto scalar = RawFile(0, 1).key("k", static_cast<ValueType>(type)).put(uint64_t{0});
    EXPECT_ERROR(parse(scalar.bytes), HasSubstr(fmt::format("value type {}", type)));
    const auto array = RawFile(0, 1).key("k", ValueType::array).put(type).put(uint64_t{0});
    EXPECT_ERROR(parse(array.bytes), HasSubstr(fmt::format("value type {}", type)));
  }
}

TEST(Hostile, DuplicateAndEmptyKeys) {
  const auto twice = RawFile(0, 2).key("k", ValueType::u32).put(1).key("k", ValueType::u32).put(2);
  EXPECT_ERROR(parse(twice.bytes), AllOf(HasSubstr("key 2 of 2"), HasSubstr("\"k\" occurs twice")));
  EXPECT_ERROR(parse(RawFile(0, 1).key("", ValueType::u32).put(1).bytes), HasSubstr("empty key"));
}

TEST(Hostile, BooleansOtherThanOneAreTrue) {
  const RawFile file = RawFile(0, 1).key("k", ValueType::boolean).put(uint8_t{7});
  ASSERT_OK_AND_ASSIGN(const File parsed, parse(file.bytes));
  EXPECT_TRUE(parsed.metadata().boolean("k").value());
}

TEST(Hostile, Alignment) {
  for (const uint32_t alignment : {0u, 3u, 48u, 0xFFFFFFFFu})
    EXPECT_ERROR(parse(RawFile(0, 1).key("general.alignment", ValueType::u32).put(alignment).bytes),
                 HasSubstr(fmt::format("general.alignment is {}", alignment)));
  EXPECT_ERROR(parse(RawFile(0, 1).key("general.alignment", ValueType::string).text("32").bytes),
               HasSubstr("\"general.alignment\" is of type string"));
  const auto huge =
      RawFile(1, 1).key("general.alignment", ValueType::u32).put(1u << 31).tensor("t", {1}, kF32, 0);
  EXPECT_ERROR(parse(RawFile(huge).data(100).bytes), HasSubstr("begin at byte 2147483648"));
}

TEST(Hostile, Shapes) {
  const auto with_shape = [](const std::vector<int64_t>& ne, int32_t type = kF32) {
    return parse(RawFile(1, 0).tensor("t", ne, type, 0).data(4096).bytes);
  };
  ASSERT_OK(with_shape({1024}));
  ASSERT_OK(with_shape({}));  // a single number
  ASSERT_OK(with_shape({1, 1, 1, 1024}));
  EXPECT_ERROR(with_shape({1025}),
               AllOf(HasSubstr("tensor \"t\": its 4100 bytes"), HasSubstr("the file has")));
  EXPECT_ERROR(with_shape({1, 1, 1, 1, 1}), HasSubstr("5 dimensions, at most 4"));
  EXPECT_ERROR(with_shape({0}), HasSubstr("a dimension of 0"));
  EXPECT_ERROR(with_shape({4, -4}), HasSubstr("a dimension of -4 in 4 x -4"));
  EXPECT_ERROR(with_shape({INT64_MAX, 2}), HasSubstr("too many elements"));
  EXPECT_ERROR(with_shape({1LL << 32, 1LL << 31}), HasSubstr("too many elements"));
  EXPECT_ERROR(with_shape({1LL << 31, 1LL << 31}), HasSubstr("too many bytes"));
  EXPECT_ERROR(with_shape({INT64_MAX}), HasSubstr("too many bytes"));
  EXPECT_ERROR(with_shape({33}, kQ8_0), HasSubstr("rows of 33 elements, q8_0 needs a multiple of 32"));
}

TEST(Hostile, TypesOfTensors) {
  for (const int32_t type : {-1, 4, 5, 31, 38, 42, 105, 106, 108, INT32_MAX})
    EXPECT_ERROR(parse(RawFile(1, 0).tensor("t", {256}, type, 0).data(4096).bytes),
                 HasSubstr(fmt::format("tensor \"t\": type {} is unknown or retired", type)));
}

TEST(Hostile, NamesOfTensors) {
  ASSERT_OK(parse(RawFile(1, 0).tensor(std::string(63, 'n'), {1}, kF32, 0).data(4).bytes));
  EXPECT_ERROR(parse(RawFile(1, 0).tensor(std::string(64, 'n'), {1}, kF32, 0).data(4).bytes),
               HasSubstr("64 bytes"));
  const RawFile twice = RawFile(2, 0).tensor("t", {1}, kF32, 0).tensor("t", {1}, kF32, 32).data(64);
  EXPECT_ERROR(parse(twice.bytes), HasSubstr("tensor \"t\" occurs twice"));
}

TEST(Hostile, OffsetsMustRunOn) {
  ASSERT_OK(parse(RawFile(2, 0).tensor("a", {3}, kF32, 0).tensor("b", {3}, kF32, 32).data(44).bytes));
  for (const uint64_t offset : {uint64_t{0}, uint64_t{12}, uint64_t{64}, ~uint64_t{0}, ~uint64_t{0} - 31}) {
    const RawFile file = RawFile(2, 0).tensor("a", {3}, kF32, 0).tensor("b", {3}, kF32, offset).data(200);
    EXPECT_ERROR(parse(file.bytes),
                 HasSubstr(fmt::format("tensor \"b\": offset {} in the data section, expected 32", offset)));
  }
  EXPECT_ERROR(parse(RawFile(1, 0).tensor("a", {3}, kF32, 32).data(200).bytes), HasSubstr("expected 0"));
}

TEST(Hostile, VocabularyArraysShorterThanTheTokens) {
  Metadata m;
  m.set("tokenizer.ggml.tokens", Value::strings({"a", "b"}));
  m.set("tokenizer.ggml.scores", Value::f32s({0.0f}));
  ASSERT_OK_AND_ASSIGN(const std::string bytes, to_bytes(m, {}));
  EXPECT_ERROR(parse(bytes), HasSubstr("\"tokenizer.ggml.scores\" has 1 elements for 2 tokens"));
  m.set("tokenizer.ggml.scores", Value::f32s({0.0f, 0.0f, 0.0f}));
  m.set("tokenizer.ggml.token_type", Value::i32s({1, 1, 1, 1}));
  ASSERT_OK_AND_ASSIGN(const std::string longer, to_bytes(m, {}));
  ASSERT_OK(parse(longer));
}

TEST(Hostile, AFileWithoutTensorsNeedsNoPadding) {
  ASSERT_OK_AND_ASSIGN(const File file, parse(RawFile(0, 1).key("k", ValueType::u8).put(uint8_t{1}).bytes));
  EXPECT_TRUE(file.tensors().empty());
}

}  // namespace
}  // namespace halcyon::gguf
