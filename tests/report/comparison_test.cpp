#include "report/comparison.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "report/page.h"
#include "tests/report/sample.h"
#include "tests/support/support.h"

namespace halcyon::report {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class Comparison : public testing::Test {
 protected:
  std::string text() const { return to_text(comparison_page(a_, b_)); }

  Measurement a_ = test::full_measurement();
  Measurement b_ = test::full_measurement();
};

TEST_F(Comparison, SaysWhatChangedAndWhetherItIsMoreThanNoise) {
  a_.throughput.decode.warm_tps = 40;
  a_.throughput.decode.warm_stddev_tps = 1;
  b_.throughput.decode.warm_tps = 48;
  b_.throughput.decode.warm_stddev_tps = 1;
  EXPECT_THAT(text(), ContainsRegex("generation, warm +40.0 ± 1.0 tok/s +48.0 ± 1.0 tok/s +.20.0 % +better"));
  std::swap(a_, b_);
  EXPECT_THAT(text(), ContainsRegex("generation, warm .* +−16.7 % +worse"));

  // The deviation of the difference is √2, and 8 is less than twice that of these.
  a_.throughput.decode.warm_stddev_tps = b_.throughput.decode.warm_stddev_tps = 3;
  EXPECT_THAT(text(), ContainsRegex("generation, warm .*within the noise"));
}

TEST_F(Comparison, LessIsBetterButForRates) {
  for (IdleWindow::Second& second : b_.idle.after_load->series) second.cpu_percent = 1;
  b_.idle.after_load->cpu_percent = 1;
  EXPECT_THAT(text(), ContainsRegex("idle after the load: CPU .*better"));
}

TEST_F(Comparison, ASingleRunCannotTell) {
  a_.load_seconds = 27;
  b_.load_seconds = 12;
  EXPECT_THAT(text(), ContainsRegex("time to load +27.0 s +12.0 s +−55.6 % +not known\n"));
}

TEST_F(Comparison, AFigureOfOneSideIsShown) {
  b_.load_seconds.reset();
  a_.energy.j_per_token = b_.energy.j_per_token = {};
  EXPECT_THAT(text(), ContainsRegex("time to load +27.0 s +not measured\n"));
  EXPECT_THAT(text(), Not(HasSubstr("energy, prompt  ")));
}

TEST_F(Comparison, PromptsOfNearlyTheSameLengthAreCompared) {
  b_.throughput.prefill[0].tokens = 527;
  EXPECT_THAT(text(), HasSubstr("prompt of 512 to 527 tokens"));
  b_.throughput.prefill[0].tokens = 4096;
  EXPECT_THAT(text(), ContainsRegex("prompt of 512 tokens .*not measured"));
  EXPECT_THAT(text(), ContainsRegex("prompt of 4096 tokens +not measured"));

  // Two of one measurement are never one.
  b_.throughput.prefill = a_.throughput.prefill;
  b_.throughput.prefill.push_back(b_.throughput.prefill[0]);
  b_.throughput.prefill[1].tokens = 520;
  EXPECT_THAT(text(), HasSubstr("prompt of 520 tokens"));
}

TEST_F(Comparison, MarksVersionsThatChanged) {
  b_.versions = {{"kernel", "6.18.5"}, {"server", "b4567"}, {"mesa", "25.1"}};
  EXPECT_THAT(text(), ContainsRegex("kernel +6.18.4 +6.18.5 +changed\n"));
  EXPECT_THAT(text(), ContainsRegex("server +b4567 +b4567\n"));
  EXPECT_THAT(text(), ContainsRegex("mesa +not known +25.1\n"));
}

TEST_F(Comparison, IsThereForMachines) {
  b_.throughput.decode.warm_tps = 60;
  b_.versions["kernel"] = "6.18.5";
  const auto json = comparison_json(a_, b_);
  const auto warm =
      std::ranges::find(json["figures"], "generation, warm", [](const auto& f) { return f["name"]; });
  EXPECT_EQ(warm->dump(),
            R"({"name":"generation, warm","unit":"tok/s","a":48.21,"a_deviation":1.25,"b":60.0,)"
            R"("b_deviation":1.25,"beyond_noise":true})");
  EXPECT_EQ(json["versions"][0].dump(), R"({"name":"kernel","a":"6.18.4","b":"6.18.5","changed":true})");
}

}  // namespace
}  // namespace halcyon::report
