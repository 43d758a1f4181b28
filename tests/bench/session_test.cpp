// A whole session with the model inside, on a machine whose limits the tests make up.
#include "bench/session.h"

#include <gmock/gmock.h>

#include "backend/cpu/device.h"
#include "embedded/embedded_model.h"
#include "tests/support/support.h"

namespace halcyon::bench {
namespace {

using testing::HasSubstr;

/// The CPU, with made-up limits.
class Device final : public backend::Device {
 public:
  Device(std::unique_ptr<backend::Device> real, std::vector<double>& speeds)
      : real_(std::move(real)), speeds_(speeds) {}

  const backend::DeviceInfo& info() const override { return real_->info(); }
  Result<std::unique_ptr<backend::Executable>> compile(program::Program program,
                                                       const backend::CompileOptions& options) override {
    return real_->compile(std::move(program), options);
  }
  /// Takes the next speed; the last one stays.
  Result<backend::Limits> measure_limits(double) override {
    const double speed = speeds_.front();
    if (speeds_.size() > 1) speeds_.erase(speeds_.begin());
    const backend::Limit limit = {.per_second = speed, .how = "made up"};
    return backend::Limits{.read = limit, .int8_macs = limit, .float_macs = limit, .bf16_macs = {}};
  }

 private:
  std::unique_ptr<backend::Device> real_;
  std::vector<double>& speeds_;
};

class Session : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(gguf::File file,
                         gguf::File::parse(memory_source("embedded model", embedded_model())));
    ASSERT_OK_AND_ASSIGN(plan.models.emplace_back(), describe("the embedded model", "tiny", std::move(file)));
    plan.repetitions = 2;
    plan.open_device = [this](int32_t threads,
                              const std::string&) -> Result<std::unique_ptr<backend::Device>> {
      TRY(auto real, cpu::create({.threads = threads}));
      return std::make_unique<Device>(std::move(real), speeds);
    };
  }

  /// Plans these cases on one thread.
  void cases(const std::vector<Case>& list) {
    plan.groups = {{.setup = {.isa = "best", .threads = 1}, .cases = list}};
  }

  Result<void> run(std::function<Result<void>(const CaseResult&)> each = {}) {
    const Observer observer = {.progress = [this](const std::string& text) { shown.push_back(text); },
                               .have_result = [=, this](const CaseResult& r) -> Result<void> {
                                 results.push_back(r);
                                 return each ? each(r) : Result<void>();
                               }};
    return bench::run(plan, observer, stop.get_token());
  }

  Plan plan;
  std::vector<double> speeds{1e9};  ///< of the calibrations, one after the other
  std::vector<CaseResult> results;
  std::vector<std::string> shown;
  std::stop_source stop;
};

constexpr Case kPrompt{.kind = Case::Kind::prefill, .n_tokens = 20};
constexpr Case kDecode{.kind = Case::Kind::decode, .n_tokens = 3, .depth = 10, .n_parallel = 2};

TEST_F(Session, MeasuresEveryCase) {
  cases({kPrompt, kDecode});
  ASSERT_OK(run());
  ASSERT_EQ(results.size(), 2u);
  for (const CaseResult& r : results) {
    EXPECT_EQ(r.seconds.size(), 2u);
    EXPECT_GT(r.cold_seconds, 0);
    EXPECT_GT(r.load_seconds, 0);
    EXPECT_GT(r.work.bytes(), 0);
    EXPECT_TRUE(r.is_complete);
    EXPECT_EQ(r.attempts, 1);
    EXPECT_FALSE(r.price);
    EXPECT_NE(r.logits_hash, 0u);
    EXPECT_EQ(r.n_cases, 2u);
  }
  EXPECT_TRUE(results[0].is_after_load);
  EXPECT_FALSE(results[1].is_after_load);
  EXPECT_EQ(results[1].index, 1u);
  EXPECT_THAT(shown, testing::Contains("case 2 of 2: tg3 ×2 @ d10, repetition 1 of 2"));
}

TEST_F(Session, WhatIsMeasuredAfterOneCaseStandsBeforeTheNext) {
  cases({kPrompt, kPrompt});
  speeds = {1.00e9, 1.01e9, 1.02e9};
  ASSERT_OK(run());
  EXPECT_EQ(results[0].after->read.per_second, 1.01e9);
  EXPECT_EQ(results[1].before.read.per_second, 1.01e9);
  EXPECT_EQ(results[1].after->read.per_second, 1.02e9);
}

TEST_F(Session, AnUnsteadyCaseIsMeasuredAgain) {
  cases({kPrompt});
  speeds = {1e9, 2e9, 2.1e9};
  ASSERT_OK(run());
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].attempts, 2);
  EXPECT_EQ(results[0].before.read.per_second, 2e9);
  EXPECT_FALSE(is_unsteady(results[0]));
  EXPECT_TRUE(results[0].is_after_load);  // the cold run is that of the first attempt
}

TEST_F(Session, OfThreeUnsteadyAttemptsTheSteadiestCounts) {
  cases({kPrompt});
  speeds = {1e9, 2e9, 3e9, 9e9};
  ASSERT_OK(run());
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].attempts, 3);
  EXPECT_EQ(results[0].before.read.per_second, 2e9);
  EXPECT_TRUE(is_unsteady(results[0]));
}

TEST_F(Session, StoppedBetweenCasesItHasThoseBefore) {
  cases({kPrompt, kDecode});
  ASSERT_OK(run([this](const CaseResult&) -> Result<void> {
    stop.request_stop();
    return {};
  }));
  EXPECT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].is_complete);
}

TEST_F(Session, AResultThatNobodyTakesEndsIt) {
  cases({kPrompt, kDecode});
  EXPECT_ERROR(run([](const CaseResult&) -> Result<void> { return fail("the disk is full"); }),
               testing::StrEq("the disk is full"));
  EXPECT_EQ(results.size(), 1u);
}

TEST_F(Session, ADeviceThatIsNotThereNamesTheModel) {
  cases({kPrompt});
  plan.open_device = [](int32_t, const std::string&) -> Result<std::unique_ptr<backend::Device>> {
    return fail("no device");
  };
  EXPECT_ERROR(run(), testing::StrEq("the embedded model: no device"));
}

TEST_F(Session, ACaseBeyondTheContextIsFoundBeforehand) {
  cases({kPrompt, {.kind = Case::Kind::decode, .n_tokens = 1, .depth = 1024}});
  EXPECT_ERROR(check(plan), HasSubstr("tg1 @ d1024 takes 1025 positions, the model's context has 1024"));
  cases({{.kind = Case::Kind::decode, .n_tokens = 1, .depth = 1023}});
  ASSERT_OK(check(plan));
}

}  // namespace
}  // namespace halcyon::bench
