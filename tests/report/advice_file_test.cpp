#include "report/advice_file.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "report/advice.h"
#include "report/advice_text.h"
#include "tests/report/advice_sample.h"
#include "tests/support/support.h"

namespace halcyon::report {
namespace {

using test::case_study;
using test::preset;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class AdviceFileTest : public testing::Test {
 protected:
  Result<AdviceFile> read(std::string_view toml) {
    test::write_file(path(), toml);
    return read_advice_file(path().string());
  }
  std::filesystem::path path() const { return folder_.path() / "figures.toml"; }

 private:
  test::TemporaryDir folder_;
};

constexpr std::string_view kSmallest =
    "[[candidate]]\nname = 'a'\ndecode_tps = 10\nactive_watts = 20\nidle_watts = 1.5\n";

TEST_F(AdviceFileTest, ANumberIsAnEstimate) {
  ASSERT_OK_AND_ASSIGN(const AdviceFile file, read(kSmallest));
  ASSERT_EQ(file.candidates.size(), 1u);
  const Candidate& c = file.candidates[0];
  EXPECT_EQ(c.idle_watts.value, 1.5);
  EXPECT_FALSE(c.idle_watts.measured);
  EXPECT_DOUBLE_EQ(c.decode_tps.plus_minus, 3);
  EXPECT_EQ(c.idle_watts.plus_minus, 1);
  EXPECT_EQ(c.active_watts.plus_minus, 6);
  EXPECT_EQ(c.origin, "figures.toml:1");
  EXPECT_FALSE(file.workload);
}

TEST_F(AdviceFileTest, EveryKeyHasAnExample) {
  const std::string all = test::read_file(case_study());
  for (const char* key : {"decode_tps",
                          "active_watts",
                          "idle_watts",
                          "burn_cause",
                          "load_seconds",
                          "prefill_tps",
                          "versions",
                          "preset",
                          "tokens_per_day",
                          "busy_share",
                          "burst_tokens",
                          "prompt_tokens",
                          "hours_per_day",
                          "latency_seconds",
                          "per_kwh",
                          "currency",
                          "plus_minus",
                          "measured",
                          "command",
                          "load_watts",
                          "frozen_watts",
                          "thaw_seconds",
                          "prefill_j_per_token"})
    EXPECT_THAT(all, HasSubstr(key));
}

TEST_F(AdviceFileTest, ReadsWorkloadAndPrice) {
  ASSERT_OK_AND_ASSIGN(const AdviceFile file,
                       read("[workload]\npreset = 'chat'\nbusy_share = 0.5\n[price]\nper_kwh = 0.3\n"));
  EXPECT_EQ(file.workload.value().preset.value_or(""), "chat");
  EXPECT_EQ(file.workload.value().busy_share.value_or(0), 0.5);
  EXPECT_EQ(file.price->per_kwh, 0.3);
  EXPECT_EQ(file.price->currency, "EUR");
}

TEST_F(AdviceFileTest, ErrorsHaveFileLineKeyAndWhatIsExpected) {
  const auto with = [](std::string_view line) { return std::string(kSmallest) + std::string(line); };
  const std::string at = path().string();
  EXPECT_ERROR(read("candidate = 3\n"), HasSubstr(at + ":1: candidate: expected"));
  EXPECT_ERROR(read("[[candidate]]\n"), HasSubstr(at + ":1: candidate: name: is missing"));
  EXPECT_ERROR(read("[[candidate]]\nname = 'a'\n"), HasSubstr(":1: candidate \"a\": decode_tps: is missing"));
  EXPECT_ERROR(
      read(with("frozen_wats = 3\n")),
      AllOf(HasSubstr(":6: candidate \"a\": \"frozen_wats\": unknown key"), HasSubstr("frozen_watts")));
  EXPECT_ERROR(read(with("[workload]\nnights = 1\n")), HasSubstr(":7: workload: \"nights\": unknown key"));
  EXPECT_ERROR(read(with("[wrkload]\n")), HasSubstr("\"wrkload\": unknown key"));
  EXPECT_ERROR(read(with("load_seconds = { value = 3, sigma = 1 }\n")),
               HasSubstr(":6: candidate \"a\": load_seconds: \"sigma\": unknown key"));
  EXPECT_ERROR(read(with("prefill_tps = [{ tokens = 3 }]\n")), HasSubstr(":6: "));
  EXPECT_ERROR(read(with("prefill_tps = [1]\n")), HasSubstr("prefill_tps: expected tables"));
  EXPECT_ERROR(read(with("burn_cause = 'gnomes'\n")),
               HasSubstr(":6: candidate \"a\": burn_cause: expected none"));
  EXPECT_ERROR(read(with("versions = { a = 1 }\n")), HasSubstr(":6: "));
  EXPECT_ERROR(read(with("[workload]\npreset = 'x'\n")), HasSubstr(":7: workload: preset: expected chat"));
  EXPECT_ERROR(read(with("[workload]\nbusy_share = 60\n")),
               HasSubstr("busy_share: expected a number from 0 to 1"));
  EXPECT_ERROR(read(with("[price]\n")), HasSubstr("per_kwh: is missing"));
  EXPECT_ERROR(read("[[candidate\n"), HasSubstr(at + ":1: "));
  EXPECT_ERROR(read_advice_file("no-such.toml"), HasSubstr("no-such.toml"));
}

TEST_F(AdviceFileTest, RefusesWhatCannotBe) {
  for (const char* value : {"nan", "inf", "-inf", "-1", "0", "1e-300", "1e9", "'fast'", "true", "[1]", "{}",
                            "{ value = nan }", "{ value = 1, plus_minus = -1 }", "{ plus_minus = 1 }",
                            "{ value = 1, measured = 1 }", "99999999999999999999"})
    EXPECT_ERROR(read("[[candidate]]\nname = 'a'\nactive_watts = 1\nidle_watts = 1\ndecode_tps = " +
                      std::string(value) + "\n"),
                 HasSubstr(":5: "));
  for (const char* value : {"nan", "-0.1", "1e9"})
    EXPECT_ERROR(read("[[candidate]]\nname = 'a'\nactive_watts = 1\ndecode_tps = 1\nidle_watts = " +
                      std::string(value) + "\n"),
                 HasSubstr("idle_watts: expected a number from 0 to 100000"));
}

TEST_F(AdviceFileTest, NoFileIsTooDeepOrTooLarge) {
  const auto nested = [](size_t n) {
    std::string key = "a";
    while (n-- > 0) key += ".a";
    return key + " = 1\n";
  };
  EXPECT_ERROR(read(nested(8000)), HasSubstr("unknown key"));
  EXPECT_ERROR(read(nested(20'000)), HasSubstr("at most 16384"));
  EXPECT_ERROR(read("candidate = " + std::string(8000, '[')), HasSubstr(":1: "));
}

TEST_F(AdviceFileTest, WhatATerminalWouldObeyIsEscaped) {
  ASSERT_OK_AND_ASSIGN(AdviceFile file, read("[[candidate]]\nname = \"a\\u001b[2J\"\ndecode_tps = 10\n"
                                             "active_watts = 20\nidle_watts = 1\n"));
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise(file.candidates, preset("server"), {}));
  EXPECT_THAT(to_text(advice, {}), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace halcyon::report
