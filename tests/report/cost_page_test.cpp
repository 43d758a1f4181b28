#include "report/cost_page.h"

#include <gmock/gmock.h>

#include "tests/report/sample.h"
#include "tests/support/support.h"

namespace halcyon::report {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// Case study A, typed in.
Measurement typed_in(const std::string& name) {
  auto measurement = load_measurement(test::data_dir() / "report" / (name + ".json"));
  EXPECT_TRUE(measurement) << measurement.error().message;
  return measurement.value_or(Measurement());
}

std::string markdown(const std::vector<Measurement>& measurements) {
  return to_markdown(cost_page(measurements));
}

TEST(CostPage, ShowsCaseStudyA) {
  const std::string page = markdown({typed_in("hip"), typed_in("vulkan")});
  EXPECT_THAT(page, HasSubstr("# What it costs: HIP and Vulkan\n"));
  EXPECT_THAT(page, HasSubstr("| prompt of 512 tokens | 354 ± 16 tok/s | – |"));
  EXPECT_THAT(page, HasSubstr("| generation, warm | 48.2 ± 16.4 tok/s | 36.2 tok/s |"));
  EXPECT_THAT(page, HasSubstr("| after the load: CPU | 254 % | 0 % |"));
  EXPECT_THAT(
      page,
      HasSubstr("Of the resident processes Vulkan is cheaper below \\~2.51 million tokens/day and HIP above. "
                "There HIP is busy for 60.2 % of the time."));
  EXPECT_THAT(page, HasSubstr("| libhsa-runtime64.so | 0x9ab00 | 608 | not known | not known |"));
  EXPECT_THAT(page, HasSubstr("typed in and not measured by Halcyon"));
}

TEST(CostPage, EstimatesAreMarkedAndTheirSourceIsNamed) {
  const std::string estimated = markdown({typed_in("hip"), typed_in("vulkan")});
  EXPECT_THAT(estimated, HasSubstr("| a generated token | \\~1.04 J/token | \\~1.17 J/token |"));
  EXPECT_THAT(estimated, HasSubstr("- HIP: \\~ estimated: 40 W for the GPU and 4 W for each active core"));
  EXPECT_THAT(estimated, ContainsRegex("HIP, frozen while idle \\| cheapest: .~28.8 Wh"));
  EXPECT_THAT(estimated, HasSubstr("Figures with a \\~ are estimates"));

  const std::string measured = markdown({test::full_measurement()});
  EXPECT_THAT(measured, AllOf(HasSubstr("HIP: measured: amdgpu hwmon3 power1\\_average"),
                              Not(HasSubstr("are estimates"))));
  EXPECT_THAT(measured, HasSubstr("1.50 J/token, 1.12 above idle"));
  Measurement by_cpu_time = test::full_measurement();
  by_cpu_time.energy.measured = false;
  by_cpu_time.energy.source = "estimated: CPU time of the server";
  const std::string page = markdown({by_cpu_time});
  EXPECT_THAT(page, HasSubstr("\\~1.50 J/token, \\~1.12 above idle"));
  EXPECT_THAT(page, AllOf(HasSubstr("\\~ estimated: CPU time"), Not(HasSubstr("estimated: estimated"))));
}

TEST(CostPage, DrawsWhatTheCaseStudyDrew) {
  const std::string page = to_html(cost_page(std::vector{typed_in("hip"), typed_in("vulkan")}));
  for (const char* chart : {"Memory that the GPUs can use", "Reading a prompt", "Generating",
                            "CPU time, right after the load", "Joules per generated token over the load",
                            "Which one is the cheapest, by load", "energy for server: 100,000 tokens/day"})
    EXPECT_THAT(page, ContainsRegex(std::string("<figcaption>[^<]*") + chart));
}

TEST(CostPage, ShowsMemoryBeforeAndAfterASetting) {
  const std::string page = markdown({typed_in("hip-default-memory"), typed_in("hip")});
  EXPECT_THAT(page, HasSubstr("| HIP before the setting | 3.73 GiB, use not measured |"));
  EXPECT_THAT(page, HasSubstr("| HIP | 95.8 GiB, use not measured |"));
}

TEST(CostPage, WhatIsMissingIsSaid) {
  Measurement bare;
  bare.started_at = "2026-05-31T14:22:33Z";
  const std::string page = markdown({bare});
  EXPECT_THAT(page, HasSubstr("the measurement is not complete"));
  EXPECT_THAT(
      page,
      HasSubstr("not measured: time to load, reading prompts, generation, idle after the load, idle after a "
                "generation, joules per generated token, cause of the idle burn"));
  EXPECT_THAT(page, HasSubstr("no name is left out"));
  EXPECT_THAT(page,
              AllOf(Not(HasSubstr("nan")), Not(HasSubstr("## Throughput")), Not(HasSubstr("## Memory"))));
  EXPECT_THAT(to_html(cost_page(std::vector{bare})), Not(HasSubstr("<figure")));
}

TEST(CostPage, ShowsAllThatAFullMeasurementHas) {
  const std::string page = markdown({test::full_measurement()});
  for (const char* text :
       {"the task \"short story\" was answered with HTTP 500", "the server and this clock disagree by 12 %",
        "| haiku | 21 | 256 | 52.8 | 13.9 | 18.0 | 1,234 | the connection was closed after 200 tokens |",
        "| HIP | hsa-events (4713) | 240 | 0.500 |", "thread hsa-events ran 100 % of the time",
        "rocr::core::Runtime::AsyncEventsLoop", "| kernel | 6.18.4 |", "(found with perf events)", "600 MHz",
        "| at most | 584 MiB |", "17.3 GiB of 96.0 GiB in use", "340 · 354 · 368"})
    EXPECT_THAT(page, HasSubstr(text));
}

TEST(CostPage, ServersOfTheSameNameAreToldApart) {
  Measurement later = test::full_measurement();
  later.started_at = "2026-06-01T08:00:00Z";
  const std::string page = markdown({test::full_measurement(), later, later});
  EXPECT_THAT(page, HasSubstr("HIP, 2026-05-31 14:22, HIP, 2026-06-01 08:00 and HIP, 2026-06-01 08:00 (2)"));
}

TEST(SummaryPage, FitsATerminal) {
  const std::string text = to_text(summary_page(test::full_measurement()));
  EXPECT_THAT(text, ContainsRegex("generation, warm +48.2 ± 1.2 tok/s\n"));
  EXPECT_THAT(text, HasSubstr("threads of the server's process spin on the CPU (cpu_spin)"));
  EXPECT_THAT(text, ContainsRegex(
                        "libhsa-runtime64.so +0x9ab00 +608 +97.0 % +rocr::core::Runtime::AsyncEventsLoop\n"));
}

}  // namespace
}  // namespace halcyon::report
