// Advice: case study A by hand, and the lines that costs are.
#include "report/advice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "report/advice_file.h"
#include "report/advice_text.h"
#include "tests/report/advice_sample.h"
#include "tests/report/sample.h"
#include "tests/support/support.h"

namespace halcyon::report {
namespace {

using test::case_study;
using test::preset;
using testing::AllOf;
using testing::DoubleNear;
using testing::HasSubstr;
using testing::Not;

/// Where the facts put it: N·50/48.21 + (86400 − N/48.21)·10 = N·42.5/36.2.
const double kBreakEven = 86400 * 10 / (42.5 / 36.2 - 40 / 48.21);

Candidate hip() {
  Candidate c;
  c.name = "HIP";
  c.decode_tps = {48.21, 16.39, true};
  c.active_watts = {50, 15};
  c.idle_watts = {10, 3};
  c.load_seconds = Figure{27, 1.35, true};
  c.burn_cause = "cpu_spin";
  return c;
}

Candidate vulkan() {
  Candidate c;
  c.name = "Vulkan";
  c.decode_tps = {36.2, 1.81, true};
  c.active_watts = {42.5, 12.75};
  c.load_seconds = Figure{24, 1.2, true};
  return c;
}

Workload server(double tokens_per_day) {
  Workload workload = preset("server");
  workload.tokens_per_day = tokens_per_day;
  return workload;
}

Option option_of(const std::vector<Option>& options, size_t candidate, Strategy strategy) {
  return *std::ranges::find_if(options, [&](const Option& option) {
    return option.candidate == candidate && option.strategy == strategy;
  });
}

// --- Case study A
// -------------------------------------------------------------------------------------------

TEST(Advice, CaseStudyBreakEvenIsAt2Point51MillionTokensPerDay) {
  ASSERT_OK_AND_ASSIGN(const AdviceFile file, read_advice_file(case_study()));
  ASSERT_OK_AND_ASSIGN(const Workload workload, resolve(*file.workload, {}, file.candidates));
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise(file.candidates, workload, {}));
  ASSERT_TRUE(advice.main);
  EXPECT_THAT(advice.main->tokens_per_day, DoubleNear(kBreakEven, 1e-3));
  EXPECT_THAT(advice.main->tokens_per_day, DoubleNear(2.51e6, 0.005e6));
  EXPECT_EQ(advice.candidates[advice.main->below.candidate].name, "Vulkan");
  EXPECT_EQ(advice.candidates[advice.main->above.candidate].name, "HIP");
  EXPECT_THAT(advice.main->above.busy_share(kBreakEven), DoubleNear(0.60, 0.005));
}

TEST(Advice, CaseStudyCostsAreTheFormulasOfTheFacts) {
  ASSERT_OK_AND_ASSIGN(const auto all, options(std::vector{hip(), vulkan()}, preset("server")));
  for (const double n : {0.0, 1e3, 1e5, 2e6, 4e6})
    EXPECT_THAT(option_of(all, 0, Strategy::resident).joules(n),
                DoubleNear(n * 50 / 48.21 + (86400 - n / 48.21) * 10, 1e-6 * (1 + n)));
  for (const double n : {0.0, 1e3, 1e5, 2e6})
    EXPECT_THAT(option_of(all, 1, Strategy::resident).joules(n), DoubleNear(n * 42.5 / 36.2, 1e-6 * (1 + n)));
  EXPECT_DOUBLE_EQ(option_of(all, 0, Strategy::resident).wh(0), 240);
  EXPECT_THAT(option_of(all, 0, Strategy::resident).wh(0) * kDaysPerYear / 1000, DoubleNear(88, 0.5));
  EXPECT_DOUBLE_EQ(option_of(all, 1, Strategy::resident).wh(0), 0);
}

TEST(Advice, FrozenWhileIdleIsCheapestAtEveryLoad) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("server"), {}));
  ASSERT_EQ(advice.any_by_load.size(), 1u);
  EXPECT_EQ(advice.any_by_load[0].option.candidate, 0u);
  EXPECT_EQ(advice.any_by_load[0].option.strategy, Strategy::frozen);
  EXPECT_EQ(advice.any_by_load[0].from, 0);
  EXPECT_THAT(advice.any_by_load[0].to, DoubleNear(86400 * 48.21, 1));

  ASSERT_EQ(advice.resident_by_load.size(), 2u);
  EXPECT_EQ(advice.resident_by_load[0].option.candidate, 1u);
  EXPECT_THAT(advice.resident_by_load[0].to, DoubleNear(kBreakEven, 1));
  EXPECT_EQ(advice.resident_by_load[1].option.candidate, 0u);
}

TEST(Advice, CaseStudyRecommendsWhatItsAuthorDoes) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("server"), {}));
  std::map<std::string, Recommendation> by_name;
  for (const Recommendation& r : advice.by_preset) by_name.emplace(r.workload.name, r);
  ASSERT_EQ(by_name.size(), 3u);

  const Recommendation& around_the_clock = by_name.at("server");  // more than 95 % idle
  EXPECT_EQ(around_the_clock.unfrozen->option.candidate, 1u);
  EXPECT_EQ(around_the_clock.unfrozen->option.strategy, Strategy::resident);
  EXPECT_TRUE(around_the_clock.unfrozen->as_good.empty());
  for (const Option& option : advice.options)
    EXPECT_LT(option.strategy == Strategy::per_burst ? 0 : option.busy_share(100'000), 0.05);

  const Recommendation& batch = by_name.at("batch");
  EXPECT_EQ(batch.unfrozen->option.candidate, 0u);
  EXPECT_EQ(batch.unfrozen->option.strategy, Strategy::per_burst);
  EXPECT_TRUE(batch.unfrozen->as_good.empty());

  EXPECT_EQ(by_name.at("chat").unfrozen->as_good.size(), 1u);  // either
}

TEST(Advice, TheTextSaysSo) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("server"), {}));
  const std::string text = to_text(advice, Price{.per_kwh = 0.30, .currency = "EUR"});
  EXPECT_THAT(text, HasSubstr("2.51 million tokens/day (HIP 60 % busy, Vulkan 80 %)"));
  EXPECT_THAT(text, HasSubstr("Below it Vulkan is cheaper, above it HIP"));
  EXPECT_THAT(text, HasSubstr("HIP, frozen while idle, at every load"));
  EXPECT_THAT(text, HasSubstr("~240 Wh/day, ~88 kWh/year"));
  EXPECT_THAT(text, HasSubstr("EUR/year"));
  EXPECT_THAT(text, HasSubstr("Measure again when a version changes"));
  EXPECT_THAT(to_text(advice, std::nullopt), Not(HasSubstr("EUR")));
}

// --- Costs
// --------------------------------------------------------------------------------------------------

TEST(AdviceCost, FreezingDoesNotHelpWhatGoesOnUntilTheProcessEnds) {
  for (const auto& [cause, watts] :
       {std::pair("none", 0.0), {"cpu_spin", 0.0}, {"gpu_pinned", 10.0}, {"kernel_worker", 10.0}}) {
    Candidate c = hip();
    c.burn_cause = cause;
    ASSERT_OK_AND_ASSIGN(const auto all, options(std::vector{c}, preset("server")));
    EXPECT_DOUBLE_EQ(option_of(all, 0, Strategy::frozen).wh(0), 24 * watts) << cause;
  }
}

TEST(AdviceCost, AFrozenServerTakesWhatIsSaid) {
  Candidate c = hip();
  c.frozen_watts = Figure{2, 0.1, true};
  c.thaw_seconds = Figure{0.5, 0.1, true};
  ASSERT_OK_AND_ASSIGN(const auto all, options(std::vector{c}, preset("server")));
  const Option frozen = option_of(all, 0, Strategy::frozen);
  EXPECT_DOUBLE_EQ(frozen.wh(0), 48);
  EXPECT_DOUBLE_EQ(frozen.added_latency, 0.5);
}

TEST(AdviceCost, StartingPerBurstPaysForEachLoad) {
  Candidate c = hip();
  c.load_watts = Figure{20, 1, true};
  Workload workload = preset("server");
  workload.burst_tokens = 1000;
  ASSERT_OK_AND_ASSIGN(const auto all, options(std::vector{c}, workload));
  const Option started = option_of(all, 0, Strategy::per_burst);
  EXPECT_DOUBLE_EQ(started.joules(0), 0);
  EXPECT_DOUBLE_EQ(started.joules(5000), 5000 * 50 / 48.21 + 5 * 27 * 20);
  EXPECT_DOUBLE_EQ(started.added_latency, 27);
  EXPECT_FALSE(started.in_time);  // the server's users wait for a second at most

  c.load_seconds.reset();
  ASSERT_OK_AND_ASSIGN(const auto without, options(std::vector{c}, workload));
  EXPECT_EQ(without.size(), 2u) << "without a load time nothing is known of starting";
}

TEST(AdviceCost, PromptsCostTheirRateAtTheNearestSize) {
  Candidate c = vulkan();
  c.prefill = {{16, {50, 1, true}}, {512, {400, 1, true}}};
  Workload workload = preset("server");
  workload.burst_tokens = 100;
  workload.prompt_tokens = 1000;  // ten a token
  ASSERT_OK_AND_ASSIGN(const auto all, options(std::vector{c}, workload));
  EXPECT_DOUBLE_EQ(all[0].joules_per_token, 42.5 / 36.2 + 10 * 42.5 / 400);
  EXPECT_DOUBLE_EQ(all[0].seconds_per_token, 1 / 36.2 + 10.0 / 400);

  c.prefill_j_per_token = Figure{0.05, 0, true};
  ASSERT_OK_AND_ASSIGN(const auto measured, options(std::vector{c}, workload));
  EXPECT_DOUBLE_EQ(measured[0].joules_per_token, 42.5 / 36.2 + 10 * 0.05);

  c.prefill.clear();
  EXPECT_ERROR(options(std::vector{c}, workload), HasSubstr("candidate \"Vulkan\" has no prefill rate"));
}

TEST(AdviceCost, AServerOfAFewHoursIsStartedOnceADay) {
  Workload workload = preset("chat");
  workload.hours_per_day = 2;
  ASSERT_OK_AND_ASSIGN(const auto all, options(std::vector{hip()}, workload));
  EXPECT_DOUBLE_EQ(option_of(all, 0, Strategy::resident).joules(0), 2 * 3600 * 10 + 27 * 50);
  EXPECT_DOUBLE_EQ(option_of(all, 0, Strategy::resident).capacity(), 2 * 3600 * 48.21);
}

TEST(AdviceCost, MoreThanItCanGenerateIsImpossible) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, server(4e6), {}));
  EXPECT_GT(option_of(advice.options, 1, Strategy::resident).busy_share(4e6), 1);
  EXPECT_EQ(advice.answer.unfrozen->option.candidate, 0u);
  EXPECT_THAT(to_text(advice, {}), HasSubstr("impossible"));
  const auto document = to_json(advice, {});
  for (const auto& candidate : document["candidates"]) {
    EXPECT_EQ(candidate["possible"], candidate["name"] == "HIP" && candidate["strategy"] != "per_burst");
    EXPECT_EQ(candidate["wh_per_day"].is_null(), !candidate["possible"]);
  }

  ASSERT_OK_AND_ASSIGN(const Advice none, advise({hip(), vulkan()}, server(1e9), {}));
  EXPECT_FALSE(none.answer.any);
}

TEST(AdviceCost, ThereIsNoBreakEvenBeyondWhatBothCanCarry) {
  Candidate slow = vulkan();
  slow.decode_tps.value = 20;
  slow.active_watts.value = 42.5 / 36.2 * 20;  // the same J/token
  ASSERT_OK_AND_ASSIGN(const auto all, options(std::vector{hip(), slow}, preset("server")));
  EXPECT_GT(kBreakEven, option_of(all, 1, Strategy::resident).capacity());
  EXPECT_EQ(break_even(option_of(all, 0, Strategy::resident), option_of(all, 1, Strategy::resident)),
            std::nullopt);
  // Nor between two ways to run the same, which meet where there is no idle time left.
  EXPECT_EQ(break_even(option_of(all, 0, Strategy::resident), option_of(all, 0, Strategy::frozen)),
            std::nullopt);
}

TEST(AdviceCost, TheLinesCrossAtTheBreakEven) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("batch"), {}));
  EXPECT_GT(advice.break_evens.size(), 2u);
  for (const BreakEven& b : advice.break_evens) {
    const double n = b.tokens_per_day;
    EXPECT_NEAR(b.below.joules(n), b.above.joules(n), 1e-6 * n);
    EXPECT_LT(b.below.joules(n / 2), b.above.joules(n / 2));
    EXPECT_GT(b.below.joules(n * 1.1), b.above.joules(n * 1.1));
  }
}

TEST(AdviceCost, TheCheapestOfEachRangeIsTheCheapest) {
  std::vector<Candidate> three{hip(), vulkan(), vulkan()};
  three[2].name = "slow start";
  three[2].active_watts.value = 30;
  three[2].idle_watts.value = 3;
  ASSERT_OK_AND_ASSIGN(const auto all, options(three, preset("server")));
  const auto ranges = cheapest_by_load(all);
  EXPECT_EQ(ranges.front().from, 0);
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (i > 0) {
      EXPECT_EQ(ranges[i].from, ranges[i - 1].to);
    }
    for (const double at : {0.01, 0.5, 0.99}) {
      const double n = std::lerp(ranges[i].from, ranges[i].to, at);
      for (const Option& option : all)
        if (option.busy_share(n) <= 1) {
          EXPECT_LE(ranges[i].option.joules(n), option.joules(n) + 1e-6);
        }
    }
  }
}

// --- Workloads
// ----------------------------------------------------------------------------------------------

TEST(AdviceWorkload, TheServersIsTheDefault) {
  ASSERT_OK_AND_ASSIGN(const Workload workload, resolve({}, {}, std::vector{hip()}));
  EXPECT_EQ(workload.name, "server");
  EXPECT_EQ(workload.tokens_per_day, 100'000);
}

TEST(AdviceWorkload, FiguresOfTheCommandLineReplaceThoseOfTheFile) {
  const WorkloadRequest file{.preset = "batch", .tokens_per_day = 5000, .burst_tokens = 50};
  ASSERT_OK_AND_ASSIGN(const Workload workload, resolve(file, {.burst_tokens = 70}, std::vector{hip()}));
  EXPECT_EQ(workload.name, "custom");
  EXPECT_EQ(workload.tokens_per_day, 5000);
  EXPECT_EQ(workload.burst_tokens, 70);
  EXPECT_EQ(workload.latency_seconds, std::nullopt);  // the batch's

  ASSERT_OK_AND_ASSIGN(const Workload chat, resolve(file, {.preset = "chat"}, std::vector{hip()}));
  EXPECT_EQ(chat.name, "chat");
  EXPECT_EQ(chat.tokens_per_day, 20'000);
}

TEST(AdviceWorkload, ABusyShareIsThatOfTheFastest) {
  ASSERT_OK_AND_ASSIGN(const Workload workload,
                       resolve({.tokens_per_day = 7}, {.busy_share = 0.6}, std::vector{vulkan(), hip()}));
  EXPECT_DOUBLE_EQ(workload.tokens_per_day, 0.6 * 86400 * 48.21);
  EXPECT_ERROR(resolve({}, {.tokens_per_day = 1, .busy_share = 0.1}, std::vector{hip()}),
               HasSubstr("not both"));
  EXPECT_ERROR(resolve({.preset = "night"}, {}, std::vector{hip()}), HasSubstr("chat, server or batch"));
}

TEST(AdviceWorkload, AServerThatIsNeverAskedHasNoJoulesPerToken) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, server(0), {}));
  const auto document = to_json(advice, {});
  EXPECT_EQ(document["candidates"][0]["wh_per_day"], 240);
  EXPECT_TRUE(document["candidates"][0]["j_per_token"].is_null());
}

// --- What it says of itself
// ---------------------------------------------------------------------------------

const Sensitivity& sensitivity(const Advice& advice, size_t candidate, std::string_view figure) {
  return *std::ranges::find_if(advice.sensitivities, [&](const Sensitivity& s) {
    return s.candidate == candidate && s.figure == figure;
  });
}

TEST(Advice, SaysWhichMeasurementIsWorthMost) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("server"), {}));
  const Sensitivity& worst = advice.sensitivities.front();
  EXPECT_EQ(worst.figure, "frozen_watts");  // 0 is assumed; with 1 W Vulkan is cheaper
  EXPECT_EQ(worst.candidate, 0u);
  EXPECT_NEAR(worst.regret_wh_per_day, 24 + 1e5 * (49 / 48.21 - 42.5 / 36.2) / 3600, 1e-9);

  const Sensitivity& first = sensitivity(advice, 0, "decode_tps");  // 48.21 ± 16.39
  EXPECT_TRUE(first.changes_answer);
  // At 31.82 t/s frozen HIP would take 50 / 31.82 J a token, and Vulkan still 42.5 / 36.2.
  EXPECT_NEAR(first.regret_wh_per_day, 1e5 * (50 / (48.21 - 16.39) - 42.5 / 36.2) / 3600, 1e-9);
  EXPECT_EQ(first.break_even_low, std::nullopt);
  EXPECT_NEAR(*first.break_even_high, 864000 / (42.5 / 36.2 - 40 / (48.21 + 16.39)), 1e-3);
  EXPECT_THAT(first.command, HasSubstr("halcyon measure"));
  for (size_t i = 1; i < advice.sensitivities.size(); ++i)
    EXPECT_LE(advice.sensitivities[i].changes_answer, advice.sensitivities[i - 1].changes_answer);
}

TEST(Advice, ExactFiguresChangeNothing) {
  std::vector<Candidate> candidates{hip(), vulkan()};
  for (Candidate& c : candidates)
    for (Figure* figure : {&c.decode_tps, &c.active_watts, &c.idle_watts, &*c.load_seconds})
      figure->plus_minus = 0;
  for (Candidate& c : candidates) {
    c.load_watts = c.active_watts;
    c.frozen_watts = Figure{0, 0, true};
  }
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise(candidates, preset("server"), {}));
  for (const Sensitivity& s : advice.sensitivities) {
    EXPECT_FALSE(s.changes_answer);
    EXPECT_EQ(s.change_wh_per_day, 0);
  }
}

TEST(Advice, AnAnswerThatDisappearsChanges) {
  const double most = 86400 * 48.21;
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip()}, server(0.9 * most), {}));
  ASSERT_TRUE(advice.answer.any);
  EXPECT_TRUE(sensitivity(advice, 0, "decode_tps").changes_answer) << "at 31.82 t/s it can't carry the load";
  ASSERT_OK_AND_ASSIGN(const Advice other, advise({hip()}, server(1.1 * most), {}));
  ASSERT_FALSE(other.answer.any);
  EXPECT_TRUE(sensitivity(other, 0, "decode_tps").changes_answer) << "at 64.6 t/s it can";
  EXPECT_THAT(to_text(other, {}), HasSubstr("the answer changes, since what is possible in time does"));
}

TEST(Advice, WhatIsAssumedIsUncertainToo) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("batch"), {}));
  const Sensitivity& frozen = sensitivity(advice, 0, "frozen_watts");
  EXPECT_EQ(frozen.now.value, 0);
  EXPECT_EQ(frozen.now.plus_minus, 1);
  EXPECT_FALSE(frozen.now.measured);
  EXPECT_THAT(frozen.command, HasSubstr("halcyon power"));
  const Sensitivity& load = sensitivity(advice, 0, "load_watts");
  EXPECT_EQ(load.now.value, 50);
  EXPECT_EQ(load.now.plus_minus, 15);
  EXPECT_EQ(advice.candidates[0].frozen_watts, std::nullopt) << "in the trial only";
}

TEST(Advice, ALoadThatNobodyCanCarryIsCalledThat) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, server(1e9), {}));
  Advice custom = advice;
  custom.workload.name = "custom";
  EXPECT_THAT(to_text(custom, {}), AllOf(HasSubstr("more than any candidate can generate in its hours"),
                                         Not(HasSubstr("frozen\n"))));
}

TEST(Advice, WhatRestsOnEstimatesIsMarked) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("server"), {}));
  const std::string text = to_text(advice, {});
  EXPECT_THAT(text, HasSubstr("resident processes: ~2.51 million tokens/day"));
  EXPECT_THAT(text, HasSubstr("up to ~2.51 million tokens/day: Vulkan"));
  EXPECT_THAT(text, HasSubstr("Vulkan, resident (~32.6 Wh/day)"));
}

TEST(Advice, WhatTheMachineDoesNotTellIsComparedWithTheNewestMeasurement) {
  Candidate c = hip();
  c.versions = {{"kernel", "6.18.4"}, {"server", "b1"}, {"model", "a"}};
  c.newest_versions = {{"kernel", "6.17.1"}, {"server", "b2"}, {"model", "a"}};
  const std::vector<VersionChange> changes = changes_since(c, {{"kernel", "6.18.4"}});
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].name, "server");
  EXPECT_EQ(changes[0].now, "b2");
}

TEST(Advice, AMeasurementIsStaleWhenAVersionChanged) {
  Candidate c = hip();
  c.versions = {{"kernel", "6.17.1"}, {"rocm", "7.2.4"}, {"model", "a"}};
  ASSERT_OK_AND_ASSIGN(const Advice advice,
                       advise({c, vulkan()}, preset("server"), {{"kernel", "6.18.4"}, {"rocm", "7.2.4"}}));
  ASSERT_EQ(advice.stale.size(), 1u);
  ASSERT_EQ(advice.stale[0].changes.size(), 1u);
  EXPECT_EQ(advice.stale[0].changes[0].name, "kernel");
  EXPECT_THAT(to_text(advice, {}),
              AllOf(HasSubstr("Stale: HIP"), HasSubstr("kernel: then 6.17.1, now 6.18.4")));
  EXPECT_EQ(to_json(advice, {})["stale"][0]["changes"][0]["now"], "6.18.4");
}

TEST(Advice, OneCandidateHasNoBreakEven) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({vulkan()}, preset("server"), {}));
  EXPECT_FALSE(advice.main);
  EXPECT_TRUE(to_json(advice, {})["break_even_tokens_per_day"].is_null());
  EXPECT_THAT(to_text(advice, {}), HasSubstr("Vulkan, resident"));
  EXPECT_ERROR(advise({}, preset("server"), {}), HasSubstr("nothing to compare"));
}

TEST(Advice, JsonHasTheFigures) {
  ASSERT_OK_AND_ASSIGN(const Advice advice, advise({hip(), vulkan()}, preset("server"), {}));
  const auto document = to_json(advice, Price{.per_kwh = 0.5, .currency = "CHF"});
  EXPECT_NEAR(document["break_even_tokens_per_day"].get<double>(), kBreakEven, 1e-3);
  ASSERT_EQ(document["candidates"].size(), 6u);
  const auto& resident = document["candidates"][0];
  EXPECT_EQ(resident["name"], "HIP");
  EXPECT_EQ(resident["strategy"], "resident");
  const double joules = 1e5 * 40 / 48.21 + 864000;
  EXPECT_NEAR(resident["wh_per_day"].get<double>(), joules / 3600, 1e-6);
  EXPECT_NEAR(resident["j_per_token"].get<double>(), joules / 1e5, 1e-9);
  EXPECT_NEAR(resident["cost_per_year"].get<double>(), joules / 3.6e6 * 365 * 0.5, 1e-6);
  EXPECT_EQ(resident["idle_wh_per_day"], 240);
  EXPECT_EQ(document["price"]["currency"], "CHF");
}

// --- Measurements
// -------------------------------------------------------------------------------------------

TEST(AdviceCandidate, TakesTheFiguresOfAMeasurement) {
  ASSERT_OK_AND_ASSIGN(const Candidate c, candidate_from(test::full_measurement()));
  EXPECT_EQ(c.name, "HIP");
  EXPECT_EQ(c.decode_tps.value, 48.21);
  EXPECT_EQ(c.decode_tps.plus_minus, 1.25);
  EXPECT_EQ(c.active_watts.value, 50);  // 58.5 gross, 8.5 without the server
  EXPECT_TRUE(c.active_watts.measured);
  EXPECT_EQ(c.idle_watts.value, 10);
  EXPECT_EQ(c.load_seconds->value, 27);
  EXPECT_EQ(c.prefill[0].tokens, 512);
  EXPECT_EQ(c.prefill[0].tps.value, 354.25);
  EXPECT_EQ(c.prefill_j_per_token->value, 0.12);
  EXPECT_EQ(c.burn_cause, "cpu_spin");
  EXPECT_EQ(c.target, "-- llama-server -m model.gguf");
  EXPECT_EQ(c.versions.at("kernel"), "6.18.4");
}

TEST(AdviceCandidate, WithoutAPowerSensorTheIdleBurnIsEstimatedFromItsCpuTime) {
  Measurement m = test::full_measurement();
  m.energy.server_idle_watts.reset();
  m.energy.measured = false;
  m.machine.gpus.clear();
  m.idle.after_generation->cpu_percent = 250;
  ASSERT_OK_AND_ASSIGN(const Candidate c, candidate_from(m));
  EXPECT_EQ(c.idle_watts.value, 10);  // two and a half cores at 4 W
  EXPECT_FALSE(c.idle_watts.measured);
  EXPECT_EQ(c.idle_watts.plus_minus, 3);

  for (const char* cause : {"gpu_pinned", "kernel_worker", ""}) {
    Measurement other = m;
    other.burn.cause = cause;
    EXPECT_ERROR(candidate_from(other), HasSubstr("energy.server_idle_watts"));
  }
  Measurement with_gpu = m;
  with_gpu.machine.gpus = test::full_measurement().machine.gpus;
  EXPECT_ERROR(candidate_from(with_gpu), HasSubstr("energy.server_idle_watts"));
  Measurement with_sensor = m;
  with_sensor.energy.measured = true;
  EXPECT_ERROR(candidate_from(with_sensor), HasSubstr("energy.server_idle_watts"));
}

TEST(AdviceCandidate, AServerThatRanAlreadyNeedsABaselineOfTheMachineWithoutIt) {
  Measurement m = test::full_measurement();
  m.target.command.clear();
  m.energy.idle_watts.reset();
  m.energy.server_idle_watts.reset();
  m.energy.j_per_token_above_idle = {};
  m.idle.before->watts = 20;  // with its own idle burn
  EXPECT_ERROR(candidate_from(m),
               AllOf(HasSubstr("energy.idle_watts"), HasSubstr("halcyon power --baseline 60")));
  m.energy.measured = false;  // and of the whole machine: other programs are in it
  EXPECT_ERROR(candidate_from(m), AllOf(HasSubstr("energy.idle_watts"), HasSubstr("--pid")));
}

TEST(AdviceCandidate, AnEstimateOfNothingIsUncertain) {
  Measurement m = test::full_measurement();
  m.energy.measured = false;
  m.energy.server_idle_watts = 0;
  ASSERT_OK_AND_ASSIGN(const Candidate c, candidate_from(m));
  EXPECT_EQ(c.idle_watts.plus_minus, 1);
}

TEST(AdviceCandidate, IsTheSameServerByNameApiAndCommand) {
  const Measurement m = test::full_measurement();
  Measurement other = m;
  other.target.url = "http://127.0.0.1:4000";  // a free port
  EXPECT_TRUE(same_target(m, other));
  other.target.command.clear();
  EXPECT_FALSE(same_target(m, other));
  Measurement running = other;
  EXPECT_TRUE(same_target(running, other));
  running.target.url = "http://127.0.0.1:4001";
  EXPECT_FALSE(same_target(running, other));
}

TEST(AdviceCandidate, NamesTheFigureThatIsMissing) {
  Measurement m = test::full_measurement();
  m.throughput.decode.warm_tps.reset();
  EXPECT_ERROR(candidate_from(m), HasSubstr("throughput.decode.warm_tps"));
  m = test::full_measurement();
  m.energy = {};
  m.energy.measured = true;
  EXPECT_ERROR(candidate_from(m), HasSubstr("energy.active_watts"));
  m.id.clear();
  EXPECT_ERROR(candidate_from(m), HasSubstr("the measurement of \"HIP\" has no"));
  m = test::full_measurement();
  m.energy.server_idle_watts.reset();
  m.idle = {};
  EXPECT_ERROR(candidate_from(m), HasSubstr("energy.server_idle_watts"));
}

}  // namespace
}  // namespace halcyon::report
