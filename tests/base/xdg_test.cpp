// Where Halcyon keeps a user's data.
#include "base/xdg.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/support/support.h"

namespace halcyon {
namespace {

using testing::HasSubstr;

/// A variable of the environment while it lives.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const {
    if (value != nullptr) {
      ::setenv(name_, value, 1);
    } else {
      ::unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST(DataDir, IsInTheXdgFolder) {
  const Variable xdg("XDG_DATA_HOME", "/data"), home("HOME", "/home/ada");
  ASSERT_OK_AND_ASSIGN(const std::filesystem::path folder, data_dir());
  EXPECT_EQ(folder, "/data/halcyon");
}

TEST(DataDir, IsElseBelowTheHome) {
  for (const char* none : {static_cast<const char*>(nullptr), "", "relative"}) {
    const Variable xdg("XDG_DATA_HOME", none), home("HOME", "/home/ada");
    ASSERT_OK_AND_ASSIGN(const std::filesystem::path folder, data_dir());
    EXPECT_EQ(folder, "/home/ada/.local/share/halcyon");
  }
}

TEST(DataDir, WithoutEitherIsAnError) {
  const Variable xdg("XDG_DATA_HOME", nullptr), home("HOME", "relative");
  EXPECT_ERROR(data_dir(), HasSubstr("set XDG_DATA_HOME or HOME"));
}

}  // namespace
}  // namespace halcyon
