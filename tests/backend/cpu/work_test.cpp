// What steps have to read and to multiply, against counts by hand.
#include "backend/cpu/work.h"

#include <gmock/gmock.h>

#include "backend/cpu/device.h"
#include "tests/model/synthetic.h"
#include "tests/support/support.h"

namespace halcyon::cpu {
namespace {

using backend::KvType;
using backend::StepWork;
using backend::Stretch;
using testing::DoubleNear;

Result<std::unique_ptr<backend::Executable>> load(const gguf::File& file, KvType kv = KvType::f16) {
  TRY(model::Model model, model::build(file, 256));
  TRY(const auto device, create({.threads = 1}));
  return device->compile(std::move(model.program), {.n_ctx = 256, .n_seq = 2, .kv = kv});
}

Result<std::unique_ptr<backend::Executable>> embedded(KvType kv = KvType::f16) {
  TRY(const gguf::File file,
      gguf::File::open(test::data_dir() / ".." / ".." / "models" / "halcyon-tiny.gguf"));
  return load(file, kv);
}

StepWork work(const backend::Executable& e, const std::vector<Stretch>& stretches) {
  return e.work(stretches);
}

// The embedded model: 3 layers, n_embd 256, 4 heads of 64 over 2 of keys and values, n_ff 512, vocabulary
// 2048, Q8_0.
constexpr double kLayers = 3 * (2.0 * 256 * 256 + 2.0 * 256 * 128 + 3.0 * 256 * 512), kHead = 256.0 * 2048;

TEST(Work, ATokenIsMultipliedByEveryMatrixOnce) {
  ASSERT_OK_AND_ASSIGN(const auto e, embedded());
  const StepWork one = work(*e, {{.first_pos = 0, .n_tokens = 1, .n_outputs = 1}});
  EXPECT_EQ(one.int8_macs, kLayers + kHead);
  EXPECT_EQ(one.float_macs, 0);
  EXPECT_EQ(one.state_macs, 3 * 2 * 4 * 64);
  EXPECT_EQ(one.state_bytes, 3 * 2 * 2 * 64 * 2);
  const double in_the_file = (kLayers + kHead) * 34 / 32;
  EXPECT_THAT(one.weight_bytes, DoubleNear(in_the_file, 0.06 * in_the_file));
  EXPECT_LE(one.weight_bytes, static_cast<double>(e->weight_bytes()));
  EXPECT_FALSE(one.experts_expected);
}

TEST(Work, AStepReadsTheWeightsOnceAndTheHeadOnlyForOutputs) {
  ASSERT_OK_AND_ASSIGN(const auto e, embedded());
  const StepWork one = work(*e, {{.first_pos = 0, .n_tokens = 1, .n_outputs = 1}});
  const StepWork last = work(*e, {{.first_pos = 0, .n_tokens = 100, .n_outputs = 1}});
  EXPECT_EQ(last.int8_macs, 100 * kLayers + kHead);
  EXPECT_EQ(last.weight_bytes, one.weight_bytes);
  const StepWork none = work(*e, {{.first_pos = 0, .n_tokens = 100, .n_outputs = 0}});
  EXPECT_EQ(none.int8_macs, 100 * kLayers);
  EXPECT_LT(none.weight_bytes, one.weight_bytes);
  const StepWork two = work(*e, {{.n_tokens = 1, .n_outputs = 1}, {.n_tokens = 1, .n_outputs = 1}});
  EXPECT_EQ(two.int8_macs, 2 * one.int8_macs);
  EXPECT_EQ(two.weight_bytes, one.weight_bytes);
  EXPECT_EQ(two.state_bytes, 2 * one.state_bytes);
}

TEST(Work, AttentionReadsEveryPositionOnceAndMultipliesEveryPair) {
  ASSERT_OK_AND_ASSIGN(const auto e, embedded());
  const StepWork chunk = work(*e, {{.first_pos = 10, .n_tokens = 3, .n_outputs = 0}});
  EXPECT_EQ(chunk.state_bytes, 13 * 3 * 2 * 2 * 64 * 2);
  EXPECT_EQ(chunk.state_macs, (11 + 12 + 13) * 3 * 2 * 4 * 64);
}

TEST(Work, KeysAndValuesHaveTheSizeOfTheirType) {
  for (const auto& [kv, bytes] :
       {std::pair(KvType::f32, 4.0), {KvType::f16, 2.0}, {KvType::q8_0, 34.0 / 32}}) {
    ASSERT_OK_AND_ASSIGN(const auto e, embedded(kv));
    EXPECT_EQ(work(*e, {{.first_pos = 9, .n_tokens = 1, .n_outputs = 1}}).state_bytes,
              10 * 3 * 2 * 2 * 64 * bytes);
  }
}

TEST(Work, AWindowBoundsWhatAttentionReads) {
  ASSERT_OK_AND_ASSIGN(const gguf::File file, model::test::synthetic("gemma3", 6).file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(file));
  const StepWork near = work(*e, {{.first_pos = 99, .n_tokens = 1, .n_outputs = 1}});
  const StepWork far = work(*e, {{.first_pos = 199, .n_tokens = 1, .n_outputs = 1}});
  EXPECT_LT(far.state_bytes, 1.9 * near.state_bytes);  // twice as much without
  EXPECT_GT(far.state_bytes, near.state_bytes);
  EXPECT_GT(near.float_macs, 0);
  EXPECT_EQ(near.int8_macs, 0);
}

TEST(Work, OfExpertsThoseThatAreRoutedToCount) {
  model::test::SyntheticModel model = model::test::synthetic("qwen3moe", 1);
  ASSERT_OK_AND_ASSIGN(const gguf::File file, model.file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(file));
  const StepWork one = work(*e, {{.n_tokens = 1}}), two = work(*e, {{.n_tokens = 2}});
  EXPECT_FALSE(one.experts_expected);
  EXPECT_TRUE(two.experts_expected);
  EXPECT_EQ(two.float_macs, 2 * one.float_macs);
  // Two of four experts each: two tokens choose 4 (1 - 1/4) = 3 on average.
  const StepWork many = work(*e, {{.n_tokens = 200}});
  EXPECT_THAT(two.weight_bytes - one.weight_bytes,
              DoubleNear(many.weight_bytes - two.weight_bytes, 1e-6 * one.weight_bytes));
}

TEST(Work, ARecurrentStateIsReadOnceAStep) {
  ASSERT_OK_AND_ASSIGN(const gguf::File file, model::test::synthetic("qwen35", 3).file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(file));
  const StepWork one = work(*e, {{.n_tokens = 1}}), ten = work(*e, {{.n_tokens = 10}});
  EXPECT_GT(one.state_bytes, 0);
  EXPECT_LT(ten.state_bytes, 2 * one.state_bytes);
  EXPECT_GT(ten.state_macs, 9 * one.state_macs);
}

}  // namespace
}  // namespace halcyon::cpu
