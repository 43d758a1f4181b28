#include "tests/model/variants.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/reference_executor.h"
#include "tests/support/support.h"

namespace halcyon::model {
namespace {

using halcyon::test::nmse;
using test::sample_tokens;
using test::SyntheticModel;

TEST(ModelVariants, GiveTheLogitsOfAnIndependentImplementation) {
  const auto expected =
      nlohmann::json::parse(halcyon::test::read_file(halcyon::test::data_dir() / "model/variants.json"));
  const auto variants = test::variants();
  EXPECT_EQ(variants.size(), expected.size());
  for (const auto& [name, model] : variants) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(expected.contains(name));
    ASSERT_OK_AND_ASSIGN(const std::vector<float> logits, model.logits(sample_tokens()));
    const auto last = expected[name].get<std::vector<float>>();
    EXPECT_LE(nmse(std::span(logits).last(last.size()), last), 1e-10);
  }
}

/// Both give the same logits, up to rounding.
void expect_same_logits(const SyntheticModel& a, const SyntheticModel& b, int32_t n_ctx = 512) {
  ASSERT_OK_AND_ASSIGN(const auto logits_a, a.logits(sample_tokens(), n_ctx));
  ASSERT_OK_AND_ASSIGN(const auto logits_b, b.logits(sample_tokens(), n_ctx));
  EXPECT_LE(nmse(logits_a, logits_b), 1e-12);
}

/// One tensor with the rows of all of them, expert by expert; they are removed.
void merge_rows(SyntheticModel& m, const std::string& merged, const std::vector<std::string>& names) {
  const auto first = m.tensors.at(names[0]);
  const size_t n_expert = first.ne.size() == 3 ? static_cast<size_t>(first.ne[2]) : 1;
  test::SyntheticTensor all{.ne = first.ne, .data = {}};
  all.ne[1] = 0;
  for (const auto& name : names) all.ne[1] += m.tensors.at(name).ne[1];
  for (size_t e = 0; e < n_expert; e++) {
    for (const auto& name : names) {
      const auto& data = m.tensors.at(name).data;
      const size_t n = data.size() / n_expert;
      all.data.insert(all.data.end(), data.begin() + static_cast<std::ptrdiff_t>(e * n),
                      data.begin() + static_cast<std::ptrdiff_t>((e + 1) * n));
    }
  }
  for (const auto& name : names) m.tensors.erase(name);
  m.tensors[merged] = std::move(all);
}

TEST(ModelVariants, FusedQkvIsTheThreeOfThem) {
  const SyntheticModel separate = test::synthetic("llama");
  SyntheticModel fused = separate;
  merge_rows(fused, "blk.0.attn_qkv.weight",
             {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"});
  expect_same_logits(fused, separate);
}

TEST(ModelVariants, MergedGateUpIsBothOfThem) {
  for (const char* architecture : {"qwen3moe", "qwen35moe"}) {
    const SyntheticModel separate = test::synthetic(architecture);
    SyntheticModel merged = separate;
    merge_rows(merged, "blk.1.ffn_gate_up_exps.weight",
               {"blk.1.ffn_gate_exps.weight", "blk.1.ffn_up_exps.weight"});
    expect_same_logits(merged, separate);
  }
}

TEST(ModelVariants, AScaleMultipliesTheProduct) {
  SyntheticModel scaled = test::synthetic("qwen3moe"), multiplied = scaled;
  for (const char* name : {"blk.0.attn_k", "blk.1.attn_output", "output"}) {
    scaled.add(std::string(name) + ".scale", {1}, 0, 2);
    multiplied.scale(std::string(name) + ".weight", 2);
  }
  for (const char* name : {"blk.0.ffn_gate_exps", "blk.0.ffn_down_exps"}) {
    scaled.add(std::string(name) + ".scale", {4}, 0, 2);
    multiplied.scale(std::string(name) + ".weight", 2);
  }
  expect_same_logits(scaled, multiplied);
}

TEST(ModelVariants, ATiedHeadIsACopyOfTheEmbeddings) {
  for (const char* architecture : {"llama", "qwen3", "gemma3", "gpt-oss", "qwen35"}) {
    SyntheticModel copied = test::synthetic(architecture), tied = copied;
    copied.tensors["output.weight"] = copied.tensors["token_embd.weight"];
    tied.tensors.erase("output.weight");
    expect_same_logits(tied, copied);
  }
}

TEST(ModelVariants, LongRopeDividesByTheFactorsOfTheContextInUse) {
  SyntheticModel longrope = test::synthetic("llama");
  longrope.keys["rope.scaling.type"] = gguf::Value::string("longrope");
  longrope.u32("rope.scaling.original_context_length", 64);
  longrope.f32("rope.scaling.attn_factor", 1.2f);
  longrope.add("rope_factors_short.weight", {8}, 0.5f, 2);
  longrope.add("rope_factors_long.weight", {8}, 3, 5);
  for (const auto& [n_ctx, factors] :
       {std::pair{64, "rope_factors_short.weight"}, {65, "rope_factors_long.weight"}}) {
    SyntheticModel same = test::synthetic("llama");
    same.f32("rope.scaling.attn_factor", 1.2f);
    same.tensors["rope_freqs.weight"] = longrope.tensors[factors];
    expect_same_logits(longrope, same, n_ctx);
  }
}

TEST(ModelVariants, AWindowOfTheWholeContextIsNone) {
  SyntheticModel wide = test::synthetic("gpt-oss"), narrow = wide, none = wide;
  wide.u32("attention.sliding_window", 100);
  none.u32("attention.sliding_window_pattern", 1);
  expect_same_logits(wide, none);
  ASSERT_OK_AND_ASSIGN(const auto a, wide.logits(sample_tokens()));
  ASSERT_OK_AND_ASSIGN(const auto b, narrow.logits(sample_tokens()));
  EXPECT_GT(nmse(a, b), 1e-6);
}

// ---- the multi-token-prediction head: checked at load, without effect on the logits
// ---------------------------------

/// qwen35 with the block of a head after its two blocks.
SyntheticModel with_mtp_head(const std::string& architecture) {
  SyntheticModel m = test::synthetic(architecture, 4);
  m.u32("block_count", 3);
  m.u32("nextn_predict_layers", 1);
  // Block 3 has softmax attention, as that of the head has.
  std::map<std::string, test::SyntheticTensor> kept;
  for (const auto& [name, tensor] : m.tensors) {
    if (name.starts_with("blk.2.")) continue;
    kept[name.starts_with("blk.3.") ? "blk.2." + name.substr(6) : name] = tensor;
  }
  m.tensors = std::move(kept);
  m.add("blk.2.nextn.eh_proj.weight", {128, 64}, 0.2f);
  m.add("blk.2.nextn.enorm.weight", {64}, 0.3f, 1);
  m.add("blk.2.nextn.hnorm.weight", {64}, 0.3f, 1);
  return m;
}

TEST(MtpHead, LeavesTheLogitsAlone) {
  for (const char* architecture : {"qwen35", "qwen35moe"})
    expect_same_logits(with_mtp_head(architecture), test::synthetic(architecture));
}

TEST(MtpHead, MayHaveTensorsOfItsOwnOrFallBackToTheModels) {
  const SyntheticModel plain = with_mtp_head("qwen35");
  const std::map<std::string, std::vector<int64_t>> optional{
      {"blk.2.nextn.embed_tokens.weight", {64, 40}},
      {"blk.2.nextn.shared_head_norm.weight", {64}},
      {"blk.2.nextn.shared_head_head.weight", {64, 40}}};
  for (const auto& [name, ne] : optional) {
    SyntheticModel own = plain;
    own.add(name, ne, 0.5f);
    expect_same_logits(own, plain);
    own.add(name, {64, 7}, 0.5f);
    EXPECT_ERROR(own.logits(sample_tokens()), ::testing::StartsWith(name + ": shape {64, 7}, expected {64"));
  }
}

TEST(MtpHead, MustBeComplete) {
  for (const char* name : {"attn_q.weight", "ffn_down.weight", "nextn.eh_proj.weight", "nextn.enorm.weight",
                           "nextn.hnorm.weight"}) {
    SyntheticModel m = with_mtp_head("qwen35");
    m.tensors.erase(std::string("blk.2.") + name);
    EXPECT_ERROR(m.logits(sample_tokens()),
                 ::testing::StartsWith(std::string("blk.2.") + name + ": not in the file"));
  }
}

TEST(MtpHead, IsOneBlockAtMost) {
  SyntheticModel m = with_mtp_head("qwen35");
  m.u32("nextn_predict_layers", 2);
  EXPECT_ERROR(m.logits(sample_tokens()),
               ::testing::HasSubstr("qwen35.nextn_predict_layers: is 2, expected 0 to 1"));
}

}  // namespace
}  // namespace halcyon::model
