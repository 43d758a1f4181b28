// The logits of a case have the same bits however the work is divided, and each time.
#include "bench/case_run.h"

#include <gmock/gmock.h>

#include <limits>

#include "backend/cpu/device.h"
#include "bench/model_file.h"
#include "embedded/embedded_model.h"
#include "model/model.h"
#include "tests/support/support.h"

namespace halcyon::bench {
namespace {

struct Settings {
  int32_t threads = 1, n_batch = 256;
  cpu::Isa isa = cpu::Isa::scalar;
};

Result<std::unique_ptr<backend::Executable>> load(const Settings& settings) {
  TRY(const gguf::File file, gguf::File::parse(memory_source("embedded model", embedded_model())));
  TRY(model::Model model, model::build(file, 1024));
  TRY(const auto device, cpu::create({.threads = settings.threads, .isa = settings.isa}));
  return device->compile(std::move(model.program),
                         {.n_ctx = 128, .n_seq = 4, .n_batch = settings.n_batch, .n_outputs = 4});
}

constexpr int32_t kVocabulary = 2048;

Result<uint64_t> hash(const Settings& settings, const Case& c) {
  TRY(const auto executable, load(settings));
  TRY(CaseRun run, CaseRun::create(*executable, c, kVocabulary));
  TRY(bool done, run.fill({}));
  TRY(done, run.run({}));
  const uint64_t first = run.logits_hash();
  CHECK_OK(run.rewind());
  TRY(done, run.run({}));
  if (run.logits_hash() != first)
    return fail("the second time {:x}, the first {:x}", run.logits_hash(), first);
  return first;
}

TEST(CaseRun, LogitsHaveTheSameBitsEverywhere) {
  for (const Case& c : {Case{.kind = Case::Kind::prefill, .n_tokens = 40, .depth = 20},
                        Case{.kind = Case::Kind::decode, .n_tokens = 5, .depth = 33},
                        Case{.kind = Case::Kind::prefill, .n_tokens = 16}}) {
    ASSERT_OK_AND_ASSIGN(const uint64_t want, hash({}, c));
    for (const cpu::Isa isa : {cpu::Isa::scalar, cpu::Isa::avx2, cpu::Isa::avx512})
      for (const int32_t threads : {1, 2}) {
        if (!cpu::is_supported(isa)) continue;
        for (const int32_t n_parallel : {1, 3}) {
          Case together = c;
          together.n_parallel = n_parallel;
          ASSERT_OK_AND_ASSIGN(const uint64_t got,
                               hash({.threads = threads, .n_batch = 7 + threads, .isa = isa}, together));
          EXPECT_EQ(got, want) << name_of(together) << ", " << threads << " threads, " << cpu::name_of(isa);
        }
      }
  }
}

TEST(CaseRun, OtherTokensHaveOtherLogits) {
  ASSERT_OK_AND_ASSIGN(const uint64_t a, hash({}, {.n_tokens = 16}));
  ASSERT_OK_AND_ASSIGN(const uint64_t b, hash({}, {.n_tokens = 17}));
  EXPECT_NE(a, b);
}

TEST(CaseRun, WorkIsThatOfAllItsSteps) {
  ASSERT_OK_AND_ASSIGN(const auto executable, load({.n_batch = 16}));
  const auto work = [&](const Case& c) { return CaseRun::create(*executable, c, kVocabulary)->work(); };
  const backend::StepWork step =
      executable->work(std::vector<backend::Stretch>{{.n_tokens = 1, .n_outputs = 1}});
  const backend::StepWork four = work({.kind = Case::Kind::decode, .n_tokens = 4});
  EXPECT_EQ(four.weight_bytes, 4 * step.weight_bytes);
  EXPECT_EQ(four.int8_macs, 4 * step.int8_macs);
  EXPECT_EQ(four.state_bytes, (1 + 2 + 3 + 4) * step.state_bytes);
  // Three steps, of which the last has the output head.
  const double head = 256.0 * 2048;
  const backend::StepWork prompt = work({.kind = Case::Kind::prefill, .n_tokens = 40});
  EXPECT_EQ(prompt.int8_macs, 40 * (step.int8_macs - head) + head);
  EXPECT_LT(prompt.weight_bytes, 3 * step.weight_bytes);
  // Two prompts share a step: 8 tokens of each.
  const backend::StepWork two = work({.kind = Case::Kind::prefill, .n_tokens = 40, .n_parallel = 2});
  EXPECT_EQ(two.int8_macs, 2 * prompt.int8_macs);
  EXPECT_GT(two.weight_bytes, 4 * (step.weight_bytes - prompt.weight_bytes / 3));
}

TEST(CaseRun, CanBeStopped) {
  ASSERT_OK_AND_ASSIGN(const auto executable, load({}));
  ASSERT_OK_AND_ASSIGN(
      CaseRun run, CaseRun::create(*executable, {.kind = Case::Kind::decode, .n_tokens = 50}, kVocabulary));
  std::stop_source stop;
  int steps = 0;
  ASSERT_OK_AND_ASSIGN(const bool done, run.run(stop.get_token(), [&](int32_t) {
    if (++steps == 3) stop.request_stop();
  }));
  EXPECT_FALSE(done);
  EXPECT_EQ(steps, 3);
  ASSERT_OK(run.rewind());
}

TEST(CaseRun, ItsSequencesAreReleased) {
  ASSERT_OK_AND_ASSIGN(const auto executable, load({}));
  for (int i = 0; i < 3; ++i)
    ASSERT_OK(CaseRun::create(*executable, {.n_tokens = 4, .n_parallel = 4}, kVocabulary));
  EXPECT_TRUE(executable->memory().has_free_sequence());
}

TEST(Hash, IsFnv1a) {
  EXPECT_EQ(hash_of({}), 0xCBF29CE484222325u);
  const float zero = 0;  // four bytes of 0
  uint64_t want = 0xCBF29CE484222325u;
  for (int i = 0; i < 4; ++i) want *= 0x100000001B3u;
  EXPECT_EQ(hash_of({&zero, 1}), want);
  const float minus = -0.0f, nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(hash_of({&minus, 1}), want);
  EXPECT_NE(hash_of({&nan, 1}), want);
}

}  // namespace
}  // namespace halcyon::bench
