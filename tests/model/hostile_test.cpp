// No file can end the process, and what is wrong with it is said by name, with what was found and what was
// expected.
#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "model/model.h"
#include "program/planner.h"
#include "tests/model/synthetic.h"
#include "tests/support/support.h"

namespace halcyon::model {
namespace {

using gguf::Value;
using test::synthetic;
using test::SyntheticModel;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Result<Model> build(const SyntheticModel& synthetic_model) {
  TRY(const auto file, synthetic_model.file());
  return model::build(file, 512);
}

TEST(HostileModel, AnUnknownArchitectureIsToldWhichAreKnown) {
  SyntheticModel m = synthetic("llama");
  m.architecture = "llamba";
  EXPECT_ERROR(build(m),
               "general.architecture: \"llamba\" is not one that Halcyon can run: llama, qwen2, qwen3, "
               "qwen3moe, gemma3, "
               "gpt-oss, qwen35, qwen35moe");
}

TEST(HostileModel, EveryTensorIsNeeded) {
  for (const char* architecture : {"llama", "qwen3moe", "gemma3", "gpt-oss", "qwen35", "qwen35moe"}) {
    const SyntheticModel whole = synthetic(architecture);
    for (const auto& [name, unused] : whole.tensors) {
      if (name == "output.weight") continue;  // without it the head is tied
      SyntheticModel m = whole;
      m.tensors.erase(name);
      EXPECT_ERROR(build(m), StartsWith(name + ": not in the file"));
    }
  }
}

TEST(HostileModel, EveryShapeIsChecked) {
  for (const char* architecture : {"llama", "qwen3moe", "gemma3", "gpt-oss", "qwen35", "qwen35moe"}) {
    const SyntheticModel whole = synthetic(architecture);
    for (const auto& [name, tensor] : whole.tensors) {
      SyntheticModel m = whole;
      std::vector<int64_t> ne = tensor.ne;
      ne.back()++;
      m.add(name, ne, 1);
      if (name == "token_embd.weight") m.tensors.erase("output.weight");
      const auto result = build(m);
      if (name == "token_embd.weight") continue;  // its rows are the vocabulary, whatever their number
      EXPECT_ERROR(result, StartsWith(name + ": shape {"));
      EXPECT_ERROR(result, HasSubstr(", expected {"));
    }
  }
}

TEST(HostileModel, ATensorThatNobodyReadsIsRefused) {
  SyntheticModel m = synthetic("qwen3");
  m.add("blk.0.attn_output.bias", {64}, 1);
  EXPECT_ERROR(build(m), HasSubstr("blk.0.attn_output.bias\": this architecture has no such tensor"));
  m = synthetic("llama");
  m.add("output.bias", {40}, 1);
  EXPECT_ERROR(build(m), HasSubstr("output.bias\": this architecture has no such tensor"));
}

TEST(HostileModel, TheVocabularyMustHaveATokenForEachEmbedding) {
  SyntheticModel m = synthetic("llama");
  m.keys["tokenizer.ggml.tokens"] = Value::strings({"a", "b"});
  EXPECT_ERROR(build(m), "token_embd.weight: has 40 rows, but tokenizer.ggml.tokens has 2 tokens");
}

struct BadKey {
  const char* architecture;
  const char* key;
  Value value;
  const char* expected;
};

TEST(HostileModel, EveryNumberHasARange) {
  constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<BadKey> cases{
      {"llama", "block_count", Value::u32(0), "llama.block_count: is 0, expected 1 to 512"},
      {"llama", "block_count", Value::u32(kHuge), "llama.block_count: is 4294967295, expected 1 to 512"},
      {"llama", "block_count", Value::string("two"), "llama.block_count"},
      {"llama", "block_count", Value::i32(-1), "llama.block_count"},
      {"llama", "context_length", Value::u32(0), "llama.context_length: is 0"},
      {"llama", "embedding_length", Value::u32(kHuge), "llama.embedding_length: is 4294967295"},
      {"llama", "embedding_length", Value::u32(65), "token_embd.weight: shape {64, 40}, expected {65, 40}"},
      {"llama", "attention.head_count", Value::u32(0), "llama.attention.head_count: is 0"},
      {"llama", "attention.head_count", Value::u32(3),
       "blk.0.attn_q.weight: shape {64, 64}, expected {64, 48}"},
      {"llama", "attention.head_count", Value::u32s({4}),
       "llama.attention.head_count: has 1 elements, expected 2"},
      {"llama", "attention.head_count", Value::f32s({4, 4}), "llama.attention.head_count"},
      {"llama", "attention.head_count_kv", Value::i32s({2, -2}), "llama.attention.head_count_kv[1]: is -2"},
      {"llama", "attention.key_length", Value::u32(15),
       "llama.attention.value_length: is 16, expected the key_length 15"},
      {"llama", "attention.value_length", Value::u32(8),
       "llama.attention.value_length: is 8, expected the key_length 16"},
      {"llama", "attention.layer_norm_rms_epsilon", Value::f32(-1),
       "llama.attention.layer_norm_rms_epsilon: is -1"},
      {"llama", "attention.layer_norm_rms_epsilon", Value::f32(kNan),
       "llama.attention.layer_norm_rms_epsilon: is nan"},
      {"llama", "rope.dimension_count", Value::u32(8),
       "llama.rope.dimension_count: is 8, expected the key_length 16"},
      {"llama", "rope.dimension_count", Value::u32(18),
       "llama.rope.dimension_count: is 18, expected 2 to 16"},
      {"gemma3", "rope.dimension_count", Value::u32(7),
       "gemma3.rope.dimension_count: is 7, expected an even number"},
      {"llama", "rope.freq_base", Value::f32(0), "llama.rope.freq_base: is 0"},
      {"llama", "rope.scaling.type", Value::string("cubic"), "llama.rope.scaling.type: is \"cubic\""},
      {"llama", "rope.scaling.type", Value::string("longrope"), "rope_factors_short.weight: not in the file"},
      {"llama", "rope.scaling.factor", Value::f32(-2), "llama.rope.scaling.factor: is -2"},
      {"qwen2", "attention.head_count", Value::u32(2), "qwen2.attention.key_length: is 16 for 2 heads"},
      {"qwen3moe", "expert_count", Value::u32(0), "qwen3moe.expert_count: missing or 0"},
      {"qwen3moe", "expert_count", Value::u32(513), "qwen3moe.expert_count: is 513, expected 0 to 512"},
      {"qwen3moe", "expert_used_count", Value::u32(5),
       "qwen3moe.expert_used_count: is 5, expected 1 to the expert_count 4"},
      {"qwen3moe", "expert_used_count", Value::u32(0), "qwen3moe.expert_used_count: is 0"},
      {"gpt-oss", "attention.sliding_window", Value::u32(kHuge),
       "gpt-oss.attention.sliding_window: is 4294967295"},
      {"gemma3", "final_logit_softcapping", Value::f32(kNan), "gemma3.final_logit_softcapping: is nan"},
      {"qwen35", "ssm.conv_kernel", Value::u32(0), "qwen35.ssm.conv_kernel: is 0"},
      {"qwen35", "ssm.group_count", Value::u32(3),
       "qwen35.ssm.time_step_rank: is 4, expected a multiple of the group_count 3"},
      {"qwen35", "ssm.inner_size", Value::u32(33),
       "qwen35.ssm.inner_size: is 33, expected time_step_rank * state_size = 32"},
      {"qwen35", "full_attention_interval", Value::u32(0), "qwen35.full_attention_interval: is 0"},
      {"qwen35", "rope.dimension_sections", Value::i32s({0, 0, 0, 0}),
       "qwen35.rope.dimension_sections: all are 0"},
      {"qwen35", "rope.dimension_sections", Value::i32s({1, 1}),
       "qwen35.rope.dimension_sections: has 2 elements, expected 4"},
      {"qwen35", "attention.head_count_kv", Value::u32s({2, 0}),
       "blk.1.attn_k.weight: shape {64, 32}, expected {64, 0}"},
  };
  for (const BadKey& bad : cases) {
    SyntheticModel m = synthetic(bad.architecture);
    m.keys[bad.key] = bad.value;
    EXPECT_ERROR(build(m), HasSubstr(bad.expected));
  }
}

TEST(HostileModel, RequiredKeysAreNamed) {
  for (const char* architecture : {"llama", "gpt-oss", "qwen35"}) {
    for (const char* key : {"context_length", "embedding_length", "block_count", "attention.head_count",
                            "attention.layer_norm_rms_epsilon"}) {
      SyntheticModel m = synthetic(architecture);
      m.keys.erase(key);
      EXPECT_ERROR(build(m), HasSubstr(std::string(architecture) + "." + key));
    }
  }
  for (const auto& [architecture, key] : {std::pair{"gpt-oss", "attention.sliding_window"},
                                          {"qwen35", "ssm.state_size"},
                                          {"qwen35", "rope.dimension_sections"}}) {
    SyntheticModel m = synthetic(architecture);
    m.keys.erase(key);
    EXPECT_ERROR(build(m), HasSubstr(std::string(architecture) + "." + key));
  }
}

TEST(HostileModel, RopeFactorsMustDivide) {
  SyntheticModel m = synthetic("llama");
  m.add("rope_freqs.weight", {8}, 0, 0);
  EXPECT_ERROR(build(m), "rope_freqs.weight: has the element 0, which is no divisor");
  m.add("rope_freqs.weight", {9}, 1, 3);
  EXPECT_ERROR(build(m), "rope_freqs.weight: shape {9}, expected {8}");
}

TEST(HostileModel, RandomChangesNeverEndTheProcess) {
  const uint32_t seed = 20240611;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<Value> values{Value::u32(0),
                                  Value::u32(1),
                                  Value::u32(3),
                                  Value::u32(512),
                                  Value::u32(1u << 31),
                                  Value::u32(~0u),
                                  Value::i32(-1),
                                  Value::f32(0),
                                  Value::f32(-1e30f),
                                  Value::f32(std::numeric_limits<float>::infinity()),
                                  Value::string("yarn"),
                                  Value::string(""),
                                  Value::u32s({}),
                                  Value::i32s({-1, 0}),
                                  Value::u32s({0, ~0u, 7, 1})};
  const auto any = [&](auto& container) {
    return std::next(container.begin(), static_cast<std::ptrdiff_t>(random() % container.size()));
  };
  int built = 0;
  for (int i = 0; i < 600; i++) {
    const char* architectures[] = {"llama",  "qwen2",   "qwen3",  "qwen3moe",
                                   "gemma3", "gpt-oss", "qwen35", "qwen35moe"};
    SyntheticModel m = synthetic(architectures[static_cast<size_t>(i) % 8]);
    for (auto n = 1 + random() % 3; n > 0; n--) {
      switch (random() % 4) {
        case 0:
          m.keys.erase(any(m.keys));
          break;
        case 1:
          any(m.keys)->second = *any(values);
          break;
        case 2:
          m.tensors.erase(any(m.tensors));
          break;
        case 3:
          std::swap(any(m.tensors)->second, any(m.tensors)->second);
          break;
      }
    }
    const auto result = build(m);
    if (!result) {
      EXPECT_FALSE(result.error().message.empty());
      continue;
    }
    built++;
    EXPECT_FALSE(program::to_string(result->program).empty());
    EXPECT_GT(program::plan(result->program, 32, 1).size, 0u);
  }
  EXPECT_GT(built, 0);  // some changes do no harm
}

}  // namespace
}  // namespace halcyon::model
