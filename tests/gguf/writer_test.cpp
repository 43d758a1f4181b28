#include <sys/resource.h>

#include <csignal>

#include "tests/gguf/sample.h"

namespace halcyon::gguf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::string> names_in(const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) names.push_back(entry.path().filename());
  return names;
}

TEST(Writer, WhatIsWrittenIsReadAgain) {
  test::TemporaryDir dir;
  const std::string path = dir.path() / "model.gguf";
  ASSERT_OK(write_file(path, sample_metadata(), sample_tensors()));
  EXPECT_THAT(names_in(dir.path()), ElementsAre("model.gguf"));

  ASSERT_OK_AND_ASSIGN(const File file, File::open(path));
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.size(), fs::file_size(path));
  const Metadata written = sample_metadata();
  ASSERT_EQ(file.metadata().entries().size(), written.entries().size());
  for (size_t i = 0; i < written.entries().size(); ++i) {
    const auto& [key, value] = file.metadata().entries()[i];
    EXPECT_EQ(key, written.entries()[i].first);
    EXPECT_EQ(value, written.entries()[i].second) << key;
  }
  const auto expected = sample_tensors();
  ASSERT_EQ(file.tensors().size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    expect_same(file.tensors()[i], expected[i]);
    EXPECT_EQ(file.tensors()[i].offset % 32, 0u);
    EXPECT_EQ(file.find(expected[i].name), &file.tensors()[i]);
  }
  EXPECT_EQ(file.find("absent"), nullptr);
}

TEST(Writer, OtherAlignments) {
  for (const uint32_t alignment : {1u, 8u, 64u, 4096u}) {
    Metadata m = sample_metadata();
    m.set("general.alignment", Value::u32(alignment));
    ASSERT_OK_AND_ASSIGN(const std::string bytes, to_bytes(m, sample_tensors()));
    EXPECT_EQ(bytes.size() % alignment, 0u);
    ASSERT_OK_AND_ASSIGN(const File file, parse(bytes));
    for (size_t i = 0; i < 4; ++i) {
      expect_same(file.tensors()[i], sample_tensors()[i]);
      EXPECT_EQ(file.tensors()[i].offset % alignment, 0u);
    }
  }
}

TEST(Writer, AFileCanBeReplacedByACopyOfItself) {
  test::TemporaryDir dir;
  const std::string path = dir.path() / "model.gguf";
  ASSERT_OK(write_file(path, sample_metadata(), sample_tensors()));
  const std::string before = test::read_file(path);
  ASSERT_OK_AND_ASSIGN(const File file, File::open(path));
  ASSERT_OK(write_file(path, file.metadata(), file.tensors()));
  EXPECT_EQ(test::read_file(path), before);
}

TEST(Writer, RefusesWhatReadersWould) {
  const auto tensors = sample_tensors();
  const auto refused = [&](auto change) {
    Tensor tensor = tensors[1];
    change(tensor);
    return to_bytes({}, std::span(&tensor, 1));
  };
  EXPECT_ERROR(refused([](Tensor& t) { t.name = std::string(64, 'n'); }), HasSubstr("64 bytes"));
  EXPECT_ERROR(refused([](Tensor& t) { t.ne[0] = 48; }), HasSubstr("rows of 48"));
  EXPECT_ERROR(refused([](Tensor& t) { t.ne[1] = 4; }), HasSubstr("204 bytes of data, its shape takes 272"));
  EXPECT_ERROR(refused([](Tensor& t) { t.n_dims = 1; }), HasSubstr("1 dimensions do not describe"));
  EXPECT_ERROR(refused([](Tensor& t) { t.n_dims = 5; }), HasSubstr("5 dimensions"));
  EXPECT_ERROR(refused([](Tensor& t) { t.source = nullptr; }), HasSubstr("no source"));
  EXPECT_ERROR(to_bytes({}, std::vector{tensors[0], tensors[0]}), HasSubstr("occurs twice"));
  EXPECT_ERROR(memory_tensor("t", quant::Type::f32, std::vector<int64_t>{3}, bytes_of("1234")),
               HasSubstr("takes 12"));
  EXPECT_ERROR(memory_tensor("t", quant::Type::f32, {}, {}), HasSubstr("0 dimensions"));
}

TEST(Writer, RefusesValuesThatContradictTheirType) {
  const auto refused = [](Value value) {
    Metadata m;
    m.set("k", std::move(value));
    return to_bytes(m, {});
  };
  EXPECT_ERROR(refused({ValueType::u8, int64_t{256}}),
               AllOf(HasSubstr("key \"k\""), HasSubstr("256 does not fit")));
  EXPECT_ERROR(refused({ValueType::u32, int64_t{-1}}), HasSubstr("-1 does not fit"));
  EXPECT_ERROR(refused({ValueType::u32, std::string("1")}), HasSubstr("other data"));
  EXPECT_ERROR(refused({ValueType::string, 1.0}), HasSubstr("other data"));
  EXPECT_ERROR(refused({ValueType::array, Array{ValueType::array, {}}}), HasSubstr("elements of type array"));
}

TEST(Writer, AFullDiskIsAnErrorAndLeavesNothing) {
  test::TemporaryDir dir;
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes acts as the full disk
  rlimit unlimited{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  const rlimit limited{300, unlimited.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  const auto written = write_file(dir.path() / "model.gguf", sample_metadata(), sample_tensors());
  const auto split =
      write_split(dir.path() / "model", {}, sample_tensors(), {.tensors = 1});  // the second part
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  std::signal(SIGXFSZ, ignored);

  EXPECT_ERROR(written, AllOf(HasSubstr("model.gguf: cannot write"), HasSubstr("File too large")));
  EXPECT_ERROR(split, HasSubstr("model-00002-of-00004.gguf: cannot write"));
  EXPECT_THAT(names_in(dir.path()), ElementsAre());
}

TEST(Writer, DataThatCannotBeReadLeavesTheOldFile) {
  test::TemporaryDir dir;
  const std::string path = dir.path() / "model.gguf";
  test::write_file(path, "old");
  auto tensors = sample_tensors();
  tensors[3].offset = 1 << 20;
  EXPECT_ERROR(write_file(path, {}, tensors), HasSubstr("past the end"));
  EXPECT_EQ(test::read_file(path), "old");
  EXPECT_THAT(names_in(dir.path()), ElementsAre("model.gguf"));
}

TEST(Writer, NeverReplacesADeviceOrAFolder) {
  EXPECT_ERROR(write_file("/dev/null", {}, {}), HasSubstr("not a regular file"));
  test::TemporaryDir dir;
  EXPECT_ERROR(write_file(dir.path(), {}, {}), HasSubstr("not a regular file"));
  EXPECT_ERROR(write_file(dir.path() / "none" / "model.gguf", {}, {}), HasSubstr("No such file"));
}

}  // namespace
}  // namespace halcyon::gguf
