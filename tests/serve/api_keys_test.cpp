#include "serve/api_keys.h"

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "base/log.h"
#include "tests/support/support.h"

namespace halcyon::serve {
namespace {

using std::filesystem::perms;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ApiKeyFile : public testing::Test {
 protected:
  Result<std::vector<std::string>> read(std::string_view text, perms permissions = perms::owner_read) {
    test::write_file(path_, text);
    std::filesystem::permissions(path_, permissions | perms::owner_write);
    return read_api_keys(path_);
  }

  const test::TemporaryDir dir_;
  const std::string path_ = dir_.path() / "keys";
};

TEST_F(ApiKeyFile, HasAKeyPerLine) {
  ASSERT_OK_AND_ASSIGN(const auto keys, read("# laptop\nsk-1\n\n  sk-2 \r\n#sk-3\nsk-4"));
  EXPECT_THAT(keys, ElementsAre("sk-1", "sk-2", "sk-4"));
}

TEST_F(ApiKeyFile, WithoutKeysIsAnError) {
  EXPECT_ERROR(read(""), HasSubstr(path_ + ": no keys"));
  EXPECT_ERROR(read("# none\n\n"), HasSubstr(path_ + ": no keys"));
  EXPECT_ERROR(read_api_keys(dir_.path() / "none"), HasSubstr("No such file"));
}

TEST_F(ApiKeyFile, HoldsWhatAHeaderCanCarry) {
  EXPECT_ERROR(read("sk-1\nsk 2\n"), HasSubstr(path_ + ":2: a key has neither spaces"));
  EXPECT_ERROR(read("schlüssel\n"), HasSubstr(path_ + ":1: "));
  EXPECT_ERROR(read(std::string(2 << 20, 'a')), HasSubstr("at most 1048576"));
}

TEST_F(ApiKeyFile, ThatEverybodyCanReadGetsAWarning) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  const auto closed = read("sk-1");
  const std::string without = log.str();
  const auto open = read("sk-1", perms::owner_read | perms::others_read);
  spdlog::set_default_logger(before);
  ASSERT_OK(closed);
  ASSERT_OK(open);
  EXPECT_THAT(without, IsEmpty());
  EXPECT_THAT(log.str(), HasSubstr(path_ + ": every user of this machine can read the keys"));
}

TEST(ApiKeys, ContainWhatTheyWereGiven) {
  const ApiKeys keys({"sk-1", "sk-2"});
  EXPECT_TRUE(keys.contains("sk-1"));
  EXPECT_TRUE(keys.contains("sk-2"));
  for (const char* other : {"", "sk-", "sk-3", "sk-11", "SK-1", " sk-1"})
    EXPECT_FALSE(keys.contains(other)) << other;
  EXPECT_FALSE(keys.contains(std::string_view("sk-1\0", 5)));
  EXPECT_FALSE(ApiKeys({}).contains(""));
}

}  // namespace
}  // namespace halcyon::serve
