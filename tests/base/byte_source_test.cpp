#include "base/byte_source.h"

#include <gmock/gmock.h>

#include <array>

#include "tests/support/support.h"

namespace halcyon {
namespace {

using ::testing::HasSubstr;

std::span<std::byte> bytes_of(std::string& s) { return std::as_writable_bytes(std::span(s)); }

TEST(FileSource, ReadsAtAnyOffset) {
  test::TemporaryDir dir;
  test::write_file(dir.path() / "f", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto file, open_file(dir.path() / "f"));
  EXPECT_EQ(file->size(), 10u);
  std::string out(4, ' ');
  ASSERT_OK(file->read(3, bytes_of(out)));
  EXPECT_EQ(out, "3456");
}

TEST(FileSource, ReadingPastTheEndIsAnErrorThatSaysWhere) {
  test::TemporaryDir dir;
  test::write_file(dir.path() / "f", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto file, open_file(dir.path() / "f"));
  std::string out(4, ' ');
  EXPECT_ERROR(file->read(8, bytes_of(out)), HasSubstr("ends at byte 10"));
}

TEST(FileSource, AFileThatShrankIsAnErrorAndNotASignal) {
  test::TemporaryDir dir;
  test::write_file(dir.path() / "f", "0123456789");
  ASSERT_OK_AND_ASSIGN(auto file, open_file(dir.path() / "f"));
  std::filesystem::resize_file(dir.path() / "f", 2);
  std::string out(10, ' ');
  EXPECT_ERROR(file->read(0, bytes_of(out)), HasSubstr("ends at byte 2"));
}

TEST(FileSource, RefusesWhatIsNotARegularFile) {
  test::TemporaryDir dir;
  EXPECT_ERROR(open_file(dir.path() / "none"), HasSubstr("No such file"));
  EXPECT_ERROR(open_file(dir.path()), HasSubstr("not a regular file"));
}

TEST(MemorySource, BoundsAreChecked) {
  std::array<std::byte, 4> data{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  auto source = memory_source("memory", data);
  std::array<std::byte, 2> out{};
  ASSERT_OK(source->read(2, out));
  EXPECT_EQ(out[1], std::byte{4});
  EXPECT_ERROR(source->read(3, out), HasSubstr("past the end"));
  EXPECT_ERROR(source->read(~uint64_t{0}, out), HasSubstr("past the end"));
}

}  // namespace
}  // namespace halcyon
