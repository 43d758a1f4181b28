// Files of the kernel, read under a root that tests replace.
#include "base/system_root.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/support/support.h"

namespace halcyon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SystemRootTest : public testing::Test {
 protected:
  void write(const std::string& path, std::string_view text) {
    test::write_file(folder_.path() / path, text);
  }

  test::TemporaryDir folder_;
  SystemRoot root_{folder_.path()};
};

TEST_F(SystemRootTest, ReadsTextWithoutTheWhiteSpaceAroundIt) {
  write("sys/name", "  intel-rapl:0 x\n");
  EXPECT_EQ(root_.text("/sys/name"), "intel-rapl:0 x");
  write("sys/empty", "\n");
  EXPECT_EQ(root_.text("/sys/empty"), "");
}

TEST_F(SystemRootTest, ReadsNumbers) {
  write("sys/energy_uj", "262143328850\n");
  EXPECT_EQ(root_.number("/sys/energy_uj"), 262143328850);
  for (const char* wrong : {"", "12 W", "abc", "99999999999999999999", "0x10"}) {
    write("sys/wrong", wrong);
    const Result<int64_t> number = root_.number("/sys/wrong");
    ASSERT_FALSE(number) << wrong;
    EXPECT_THAT(number.error().message, HasSubstr("is not a number"));
  }
}

TEST_F(SystemRootTest, AnErrorNamesTheFileAndTheReason) {
  const Result<std::string> text = root_.text("/sys/none");
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, HasSubstr((folder_.path() / "sys/none").string() + ": No such file"));
  write("sys/folder/x", "");
  EXPECT_FALSE(root_.text("/sys/folder"));
}

TEST_F(SystemRootTest, DoesNotWaitForAPipe) {
  ASSERT_EQ(::mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(root_.text("/pipe"), "");
}

TEST_F(SystemRootTest, ListsNamesInOrder) {
  write("sys/b/x", ""), write("sys/a", ""), write("sys/c", "");
  EXPECT_THAT(root_.names("/sys"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(root_.names("/none"), IsEmpty());
}

TEST(SystemRoot, IsTheRealOneUnlessToldOtherwise) {
  EXPECT_TRUE(SystemRoot().text("/proc/self/comm"));
  EXPECT_EQ(SystemRoot().at("/proc/stat"), "/proc/stat");
}

}  // namespace
}  // namespace halcyon
