#include "measure/summary.h"

#include <gmock/gmock.h>

namespace halcyon::measure {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// Case study A's server.
report::Measurement burning() {
  report::Measurement m;
  m.protocol = "quick";
  m.target.name = "HIP";
  m.target.url = "http://127.0.0.1:8080";
  m.load_seconds = 27;
  report::Rates& prompts = m.throughput.prefill.emplace_back();
  prompts.tokens = 512;
  prompts.median_tps = 354.09;
  prompts.stddev_tps = 15.72;
  m.throughput.decode.tokens = 128;
  m.throughput.decode.warm_tps = 48.21;
  m.throughput.decode.warm_stddev_tps = 16.39;
  report::IdleWindow& idle = m.idle.after_load.emplace();
  idle.cpu_percent = 254;
  idle.wakeups_per_second = 3;
  idle.rss_bytes = 454'000'000;
  idle.watts = 10.16;
  m.energy.source = "estimated: CPU time of the server × 4 W";
  m.energy.j_per_token.decode = 1.04;
  m.burn.cause = "cpu_spin";
  m.burn.evidence = {"72 % of 1000 samples lie in libhsa-runtime64.so."};
  m.burn.advice = {"Freeze it."};
  report::Task& haiku = m.tasks.emplace_back();
  haiku.name = "haiku";
  haiku.generated_tokens = 64;
  haiku.tps = 13.93;
  haiku.seconds = 5;
  report::Task& logic = m.tasks.emplace_back();
  logic.name = "logic";
  logic.error = "it broke off";
  m.problems = {"given up"};
  return m;
}

TEST(Summary, HasTheFiguresOfTheCaseStudy) {
  const std::string text = summary(burning());
  EXPECT_THAT(text, ContainsRegex("prompt, 512 tokens +354.09 ± 15.72 t/s"));
  EXPECT_THAT(text, ContainsRegex("generation, warm +48.21 ± 16.39 t/s, 128 tokens"));
  EXPECT_THAT(text,
              ContainsRegex("idle after load +254.00 % CPU, 3.0 wake-ups/s, 454 MB, 10.16 W .estimated."));
  EXPECT_THAT(text, ContainsRegex("burn +cpu_spin\n +72 % of 1000 samples lie in libhsa-runtime64.so"));
  EXPECT_THAT(text, ContainsRegex("task: haiku +13.93 t/s, 64 tokens in 5.0 s"));
  EXPECT_THAT(text, ContainsRegex("task: logic +failed: it broke off"));
  EXPECT_THAT(text, ContainsRegex("problem +given up"));
}

TEST(Summary, MarksEstimatesAndOnlyThose) {
  report::Measurement m = burning();
  EXPECT_THAT(summary(m), ContainsRegex("energy .estimated. +1.04 J per generated token"));
  m.energy.measured = true;
  m.energy.source = "RAPL package-0";
  EXPECT_THAT(summary(m), AllOf(HasSubstr("RAPL package-0"), Not(HasSubstr("estimated"))));
}

TEST(Summary, LeavesOutWhatIsNotKnown) {
  report::Measurement m;
  m.target.url = "http://127.0.0.1:1";
  m.problems = {"nobody listens"};
  EXPECT_THAT(summary(m), AllOf(HasSubstr("nobody listens"), Not(HasSubstr("t/s")), Not(HasSubstr("burn"))));
}

TEST(Summary, WhatATerminalWouldObeyIsEscaped) {
  report::Measurement m = burning();
  m.target.name = "\x1b[2Jmodel";
  m.versions["server"] = "\x1b[31m";
  EXPECT_THAT(summary(m), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace halcyon::measure
