#include "report/output_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "tests/support/support.h"

namespace halcyon::report {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

size_t files_in(const fs::path& folder) {
  return size_t(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(OutputFile, TakesThePlaceOfTheOldOne) {
  const test::TemporaryDir folder;
  const fs::path file = folder.path() / "report.html";
  ASSERT_OK(write_atomically(file, "old"));
  ASSERT_OK(write_atomically(file, "new"));
  EXPECT_EQ(test::read_file(file), "new");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(OutputFile, ALinkStaysOne) {
  const test::TemporaryDir folder;
  test::write_file(folder.path() / "real", "old");
  fs::create_symlink("real", folder.path() / "link");
  ASSERT_OK(write_atomically(folder.path() / "link", "new"));
  EXPECT_TRUE(fs::is_symlink(folder.path() / "link"));
  EXPECT_EQ(test::read_file(folder.path() / "real"), "new");
}

TEST(OutputFile, ADiskThatIsFullLeavesTheOldOne) {
  const test::TemporaryDir folder;
  const fs::path file = folder.path() / "report.html";
  ASSERT_OK(write_atomically(file, "old"));

  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const auto result = write_atomically(file, std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_DFL);

  EXPECT_ERROR(result, HasSubstr("report.html: cannot write: File too large"));
  EXPECT_EQ(test::read_file(file), "old");
  EXPECT_EQ(files_in(folder.path()), 1u);
}

TEST(OutputFile, OnlyRegularFilesAreReplaced) {
  const test::TemporaryDir folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_ERROR(write_atomically(pipe, "x"), HasSubstr("pipe: not a regular file"));
  EXPECT_ERROR(write_atomically(folder.path(), "x"), HasSubstr("not a regular file"));
  EXPECT_ERROR(write_atomically(folder.path() / "no" / "file", "x"),
               HasSubstr("cannot write into its folder"));
}

}  // namespace
}  // namespace halcyon::report
