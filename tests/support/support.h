// What every test needs: where its data is, temporary folders, and how to unwrap a Result.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/result.h"

namespace halcyon::test {

/// tests/data of the checkout.
std::filesystem::path data_dir();

/// The conformance data: $HALCYON_CONFORMANCE, or ../shared/conformance beside the checkout; empty if neither
/// is there.
std::filesystem::path conformance_dir();

std::string read_file(const std::filesystem::path& path);

/// Makes the folders above it as well.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// A folder of the test's own, removed with the object.
class TemporaryDir {
 public:
  TemporaryDir();
  ~TemporaryDir();
  TemporaryDir(const TemporaryDir&) = delete;
  TemporaryDir& operator=(const TemporaryDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace halcyon::test

/// The value of a Result, or a fatal failure of the test with the error's message.
#define ASSERT_OK_AND_ASSIGN(declaration, ...)                  \
  auto HALCYON_CONCAT(assert_ok_, __LINE__) = (__VA_ARGS__);    \
  ASSERT_TRUE(HALCYON_CONCAT(assert_ok_, __LINE__).has_value()) \
      << HALCYON_CONCAT(assert_ok_, __LINE__).error().message;  \
  declaration = std::move(*HALCYON_CONCAT(assert_ok_, __LINE__))

#define ASSERT_OK(...)                                                             \
  do {                                                                             \
    auto assert_ok_result = (__VA_ARGS__);                                         \
    ASSERT_TRUE(assert_ok_result.has_value()) << assert_ok_result.error().message; \
  } while (false)

/// The Result failed, and its message matches (a gmock matcher, such as HasSubstr("…")).
#define EXPECT_ERROR(result, matcher)                                     \
  do {                                                                    \
    auto&& expect_error_result = (result);                                \
    EXPECT_FALSE(expect_error_result.has_value()) << "expected an error"; \
    if (!expect_error_result.has_value()) {                               \
      EXPECT_THAT(expect_error_result.error().message, matcher);          \
    }                                                                     \
  } while (false)

/// Skips a test, loudly, that needs the conformance data where there is none.
#define SKIP_WITHOUT_CONFORMANCE()              \
  if (halcyon::test::conformance_dir().empty()) \
  GTEST_SKIP() << "no conformance data: set HALCYON_CONFORMANCE to its folder"
