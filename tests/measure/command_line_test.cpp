#include "measure/command_line.h"

#include <gmock/gmock.h>

#include "tests/support/support.h"

namespace halcyon::measure {
namespace {

using testing::HasSubstr;

TEST(CommandLine, SecretsAreNotShown) {
  EXPECT_EQ(without_secrets({"llama-server", "-m", "x.gguf", "--port", "{port}"}),
            "llama-server -m x.gguf --port {port}");
  EXPECT_EQ(without_secrets({"s", "--api-key", "a", "--key", "b", "--token", "c", "--password", "d"}),
            "s --api-key *** --key *** --token *** --password ***");
  EXPECT_EQ(without_secrets({"s", "--hf-token=abc=", "-hft", "abc", "-c", "1"}),
            "s --hf-token=*** -hft *** -c 1");
  EXPECT_EQ(without_secrets({"s", "--api-key", "--token", "x"}), "s --api-key *** x") << "the key is --token";
  EXPECT_EQ(without_secrets({"s", "--api-key-file", "key", "--tokens=5"}), "s --api-key-file key --tokens=5");
  EXPECT_EQ(without_secrets({"s", "--api-key"}), "s --api-key");
}

TEST(CommandLine, AProgramIsFoundAsAShellFindsIt) {
  ASSERT_OK(look_up("sh"));
  ASSERT_OK(look_up("/bin/sh"));
  for (const char* wrong : {"no-such-program", "/bin", "/etc/passwd", "./sh", ""})
    EXPECT_ERROR(look_up(wrong), HasSubstr("cannot be started"));
}

}  // namespace
}  // namespace halcyon::measure
