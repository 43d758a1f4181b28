// Foreign code that crashes, hangs or talks too much.
#include "devices/isolated.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "tests/support/support.h"

namespace halcyon::devices {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kLong{60'000};

TEST(Isolated, ReturnsWhatItSays) {
  ASSERT_OK_AND_ASSIGN(const std::string text, run_isolated([] { return std::string("found"); }, kLong));
  EXPECT_EQ(text, "found");
  ASSERT_OK_AND_ASSIGN(const std::string much, run_isolated([] { return std::string(1 << 20, 'x'); }, kLong));
  EXPECT_EQ(much.size(), 1u << 20);
}

TEST(Isolated, ACrashIsAnError) {
  const auto crash = []() -> std::string {
    std::signal(SIGSEGV, SIG_DFL);  // as without a sanitizer
    std::raise(SIGSEGV);
    return "";
  };
  EXPECT_ERROR(run_isolated(crash, kLong), HasSubstr("crashed: Segmentation fault"));
  EXPECT_ERROR(run_isolated([]() -> std::string { std::abort(); }, kLong), HasSubstr("crashed: Aborted"));
  EXPECT_ERROR(run_isolated([]() -> std::string { throw std::runtime_error("x"); }, kLong),
               HasSubstr("status"));
  EXPECT_ERROR(run_isolated([]() -> std::string { ::_exit(7); }, kLong), HasSubstr("status 7"));
}

TEST(Isolated, AHangIsAnErrorAndLeavesNoProcess) {
  const auto hang = []() -> std::string {
    while (true) ::pause();
  };
  EXPECT_ERROR(run_isolated(hang, milliseconds(50)), HasSubstr("no answer within 0.05 s"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);  // no child is left
}

TEST(Isolated, WhatIsTooLongIsAnError) {
  EXPECT_ERROR(run_isolated([] { return std::string(5 << 20, 'x'); }, kLong), HasSubstr("longer than"));
}

TEST(Isolated, ItsOutputLeadsNowhere) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const auto noisy = [] {
    std::fputs("driver warning\n", stderr);
    std::puts("driver banner");
    std::fflush(stdout);
    return std::string("quiet");
  };
  ASSERT_OK_AND_ASSIGN(const std::string text, run_isolated(noisy, kLong));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(text, "quiet");
}

}  // namespace
}  // namespace halcyon::devices
