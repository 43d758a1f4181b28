// Models in several files.
#include "tests/gguf/sample.h"

namespace halcyon::gguf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Split : public ::testing::Test {
 protected:
  /// The sample in parts of at most two tensors.
  std::vector<std::string> write_sample() {
    auto paths = write_split(prefix(), sample_metadata(), sample_tensors(), {.tensors = 2});
    EXPECT_TRUE(paths.has_value()) << paths.error().message;
    return *paths;
  }

  /// One part made by hand, with one tensor.
  void write_part(uint32_t file_no, uint32_t no, uint32_t count, int32_t n_tensors, std::string_view tensor) {
    Metadata m;
    m.set("split.no", {ValueType::u16, int64_t{no}});
    m.set("split.count", {ValueType::u16, int64_t{count}});
    m.set("split.tensors.count", Value::i32(n_tensors));
    std::vector<Tensor> tensors = sample_tensors();
    tensors.resize(1);
    tensors[0].name = tensor;
    ASSERT_OK(write_file(fmt::format("{}-{:05}-of-00002.gguf", prefix(), file_no), m, tensors));
  }

  std::string prefix() const { return dir_.path() / "model"; }
  std::string first() const { return prefix() + "-00001-of-00002.gguf"; }

  test::TemporaryDir dir_;
};

TEST_F(Split, IsSeenAsOneModel) {
  const auto paths = write_sample();
  EXPECT_THAT(paths, testing::ElementsAre(first(), prefix() + "-00002-of-00002.gguf"));
  ASSERT_OK_AND_ASSIGN(const File file, File::open(paths[0]));
  const auto expected = sample_tensors();
  ASSERT_EQ(file.tensors().size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) expect_same(file.tensors()[i], expected[i]);
  EXPECT_EQ(file.metadata().string("general.architecture").value(), "qwen3");
  EXPECT_EQ(file.size(), fs::file_size(paths[0]) + fs::file_size(paths[1]));
}

TEST_F(Split, IsOpenedByItsFirstPart) {
  const auto paths = write_sample();
  EXPECT_ERROR(File::open(paths[1]),
               AllOf(HasSubstr(paths[1]), HasSubstr("part 2 of 2"), HasSubstr("open the first")));
}

TEST_F(Split, AMissingPartIsNamed) {
  const auto paths = write_sample();
  fs::remove(paths[1]);
  EXPECT_ERROR(File::open(paths[0]), AllOf(HasSubstr(paths[1]), HasSubstr("No such file")));
}

TEST_F(Split, NamesMustFollowThePattern) {
  const auto paths = write_sample();
  fs::rename(paths[0], dir_.path() / "renamed.gguf");
  EXPECT_ERROR(File::open(dir_.path() / "renamed.gguf"), HasSubstr("must end in -00001-of-00002.gguf"));
}

TEST_F(Split, APartThatSaysItIsAnother) {
  write_part(1, 0, 2, 2, "a");
  write_part(2, 0, 2, 2, "b");
  EXPECT_ERROR(File::open(first()),
               AllOf(HasSubstr("-00002-of-"), HasSubstr("says it is part 1 of 2, expected 2 of 2")));
  write_part(2, 1, 3, 2, "b");
  EXPECT_ERROR(File::open(first()), HasSubstr("says it is part 2 of 3, expected 2 of 2"));
  write_part(2, 5, 2, 2, "b");
  EXPECT_ERROR(File::open(first()), HasSubstr("split.no is 5, but split.count is 2"));
}

TEST_F(Split, TensorsAreCountedAndUniqueOverAllParts) {
  write_part(1, 0, 2, 3, "a");
  write_part(2, 1, 2, 3, "b");
  EXPECT_ERROR(File::open(first()), HasSubstr("2 tensors in all parts, but split.tensors.count is 3"));
  write_part(2, 1, 2, 3, "a");
  EXPECT_ERROR(File::open(first()), AllOf(HasSubstr("-00002-of-"), HasSubstr("\"a\" occurs twice")));
}

TEST_F(Split, ADamagedPartIsNamed) {
  const auto paths = write_sample();
  fs::resize_file(paths[1], fs::file_size(paths[1]) - 60);
  EXPECT_ERROR(File::open(paths[0]), AllOf(HasSubstr(paths[1]), HasSubstr("listed.weight")));
}

TEST_F(Split, NeedsPaths) {
  const auto paths = write_sample();
  EXPECT_ERROR(parse(test::read_file(paths[0])), HasSubstr("split model of 2 parts"));
}

TEST_F(Split, ByBytesALargeTensorGetsAPartOfItsOwn) {
  ASSERT_OK_AND_ASSIGN(const auto paths,
                       write_split(prefix(), sample_metadata(), sample_tensors(), {.bytes = 150}));
  ASSERT_EQ(paths.size(), 3u);  // 20 | 204 | 68 + 74
  ASSERT_OK_AND_ASSIGN(const File file, File::open(paths[0]));
  EXPECT_EQ(file.tensors().size(), 4u);
  EXPECT_EQ(file.find("a.weight")->source->name(), paths[1]);
  EXPECT_EQ(file.find("b.weight")->source, file.find("listed.weight")->source);
}

TEST_F(Split, EveryPartHasTheAlignment) {
  Metadata m = sample_metadata();
  m.set("general.alignment", Value::u32(256));
  ASSERT_OK_AND_ASSIGN(const auto paths, write_split(prefix(), m, sample_tensors(), {.tensors = 1}));
  ASSERT_OK_AND_ASSIGN(const File file, File::open(paths[0]));
  for (const Tensor& tensor : file.tensors()) EXPECT_EQ(tensor.offset % 256, 0u);
}

TEST_F(Split, ModelsCanBeJoinedAgain) {
  const auto paths = write_sample();
  ASSERT_OK_AND_ASSIGN(const File file, File::open(paths[0]));
  ASSERT_OK_AND_ASSIGN(const std::string joined,
                       to_bytes(without_split_keys(file.metadata()), file.tensors()));
  EXPECT_EQ(joined, sample_file());
}

}  // namespace
}  // namespace halcyon::gguf
