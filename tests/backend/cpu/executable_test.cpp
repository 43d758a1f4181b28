// Whole models on the CPU: the same numbers as the plain interpreter, and the same bits however the work is
// divided.
#include "backend/cpu/executable.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "backend/cpu/device.h"
#include "tests/model/synthetic.h"
#include "tests/support/reference_executor.h"
#include "tests/support/support.h"

namespace halcyon::cpu {
namespace {

using backend::KvType;
using backend::Segment;
using backend::SeqId;
using backend::Token;
using model::test::synthetic;
using ::testing::HasSubstr;

constexpr const char* kArchitectures[] = {"llama",  "qwen2",   "qwen3",  "qwen3moe",
                                          "gemma3", "gpt-oss", "qwen35", "qwen35moe"};

/// 100 tokens of the synthetic vocabulary: three chunks and a part of one.
std::vector<Token> long_text() {
  std::vector<Token> tokens(100);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<Token>((i * 17 + i * i) % 40);
  return tokens;
}

struct Setup {
  int32_t threads = 1;
  int32_t n_batch = 256;
  int32_t n_seq = 4;
  KvType kv = KvType::f16;
};

Result<std::unique_ptr<backend::Executable>> load(const gguf::File& file, const Setup& setup = {}) {
  TRY(model::Model model, model::build(file, 256));
  TRY(const auto device, create({.threads = setup.threads}));
  backend::CompileOptions options;
  options.n_ctx = 256, options.n_seq = setup.n_seq, options.n_batch = setup.n_batch, options.n_outputs = 128;
  options.kv = setup.kv;
  return device->compile(std::move(model.program), options);
}

Result<std::vector<float>> run(backend::Executable& e, SeqId seq, std::span<const Token> tokens,
                               Segment::Logits logits = Segment::Logits::all) {
  const Segment segment{.seq = seq, .tokens = tokens, .logits = logits};
  TRY(const auto rows, e.run({&segment, 1}));
  return std::vector<float>(rows.begin(), rows.end());
}

/// Logits after each token of a new sequence, evaluated `step` tokens at a time.
Result<std::vector<float>> logits(backend::Executable& e, std::span<const Token> tokens, size_t step) {
  TRY(const SeqId seq, e.memory().create());
  std::vector<float> all;
  for (size_t at = 0; at < tokens.size(); at += step) {
    TRY(const auto rows, run(e, seq, tokens.subspan(at, std::min(step, tokens.size() - at))));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  e.memory().release(seq);
  return all;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

/// One model of each architecture with float32 weights, and the embedded one, whose products are int8.
class Model : public testing::TestWithParam<std::string> {
 protected:
  static Result<gguf::File> file() {
    if (GetParam() == "embedded")
      return gguf::File::open(test::data_dir() / ".." / ".." / "models" / "halcyon-tiny.gguf");
    return synthetic(GetParam(), 4).file();
  }
};

TEST_P(Model, GivesTheLogitsOfThePlainInterpreter) {
  if (GetParam() == "embedded") GTEST_SKIP() << "int8 products: tests/conformance has them";
  ASSERT_OK_AND_ASSIGN(const gguf::File f, file());
  ASSERT_OK_AND_ASSIGN(const model::Model model, model::build(f, 256));
  ASSERT_OK_AND_ASSIGN(const auto want, test::reference_logits(model.program, long_text()));
  ASSERT_OK_AND_ASSIGN(const auto e, load(f, {.kv = KvType::f32}));
  ASSERT_OK_AND_ASSIGN(const auto got, logits(*e, long_text(), 100));
  EXPECT_LT(test::nmse(got, want), 1e-9);
}

TEST_P(Model, HasTheSameBitsForAnyChunkSize) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(f));
  ASSERT_OK_AND_ASSIGN(const auto whole, logits(*e, long_text(), 100));
  for (const size_t step : {1, 7, 31, 32, 33, 64}) {
    ASSERT_OK_AND_ASSIGN(const auto parts, logits(*e, long_text(), step));
    EXPECT_TRUE(same_bits(parts, whole)) << "steps of " << step;
  }
}

TEST_P(Model, HasTheSameBitsForAnyNumberOfThreads) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, file());
  ASSERT_OK_AND_ASSIGN(const auto one, load(f, {.threads = 1}));
  ASSERT_OK_AND_ASSIGN(const auto want, logits(*one, long_text(), 50));
  for (const int32_t threads : {2, 3, 5}) {
    ASSERT_OK_AND_ASSIGN(const auto e, load(f, {.threads = threads}));
    ASSERT_OK_AND_ASSIGN(const auto got, logits(*e, long_text(), 50));
    EXPECT_TRUE(same_bits(got, want)) << threads << " threads";
  }
}

TEST_P(Model, HasTheSameBitsOnEveryIsa) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, file());
  std::vector<float> want;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
    if (!is_supported(isa)) continue;
    setenv("HALCYON_ISA", std::string(name_of(isa)).c_str(), 1);
    const auto e = load(f);
    unsetenv("HALCYON_ISA");
    ASSERT_TRUE(e.has_value()) << e.error().message;
    ASSERT_OK_AND_ASSIGN(const auto got, logits(**e, long_text(), 50));
    if (want.empty()) want = got;
    EXPECT_TRUE(same_bits(got, want)) << name_of(isa);
  }
}

TEST_P(Model, HasTheSameBitsInAnyCompany) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(f, {.threads = 2}));
  const std::vector<Token> text = long_text();
  ASSERT_OK_AND_ASSIGN(const auto alone, logits(*e, text, 100));
  const size_t n_vocab = alone.size() / text.size();
  // Three sequences in every step: the whole text in steps of 20, the same backwards in steps of 13, and one
  // token each.
  const std::vector<Token> backwards(text.rbegin(), text.rend());
  ASSERT_OK_AND_ASSIGN(const SeqId a, e->memory().create());
  ASSERT_OK_AND_ASSIGN(const SeqId b, e->memory().create());
  ASSERT_OK_AND_ASSIGN(const SeqId c, e->memory().create());
  for (size_t i = 0; i < 5; ++i) {
    const Segment segments[] = {
        {.seq = b, .tokens = std::span(backwards).subspan(13 * i, 13), .logits = Segment::Logits::none},
        {.seq = a, .tokens = std::span(text).subspan(20 * i, 20), .logits = Segment::Logits::all},
        {.seq = c, .tokens = std::span(text).subspan(i, 1), .logits = Segment::Logits::last}};
    ASSERT_OK_AND_ASSIGN(const auto rows, e->run(segments));
    EXPECT_TRUE(
        same_bits(rows.subspan(0, 20 * n_vocab), std::span(alone).subspan(20 * i * n_vocab, 20 * n_vocab)));
    EXPECT_TRUE(same_bits(rows.subspan(20 * n_vocab), std::span(alone).subspan(i * n_vocab, n_vocab)));
  }
}

TEST_P(Model, TruncatingAndGoingOnIsAsIfItHadNeverGoneFurther) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(f));
  const std::vector<Token> text = long_text();
  ASSERT_OK_AND_ASSIGN(const auto want, logits(*e, text, 100));
  const size_t n_vocab = want.size() / text.size();
  backend::SequenceMemory& memory = e->memory();
  for (const auto& [kept_at, back_to] : {std::pair{33, 33}, {40, 40}, {63, 63}, {60, 35}, {10, 4}}) {
    ASSERT_OK_AND_ASSIGN(const SeqId seq, memory.create());
    ASSERT_OK(run(*e, seq, std::span(text).first(static_cast<size_t>(kept_at))));
    ASSERT_OK(memory.snapshot(seq));  // what recurrent layers need to come back from another chunk
    const std::vector<Token> wrong(45, 3);
    ASSERT_OK(run(*e, seq, wrong));
    ASSERT_EQ(memory.reachable(seq, back_to), back_to);
    ASSERT_OK(memory.truncate(seq, back_to));
    EXPECT_EQ(memory.length(seq), back_to);
    ASSERT_OK_AND_ASSIGN(const auto got, run(*e, seq, std::span(text).subspan(static_cast<size_t>(back_to))));
    EXPECT_TRUE(same_bits(got, std::span(want).subspan(static_cast<size_t>(back_to) * n_vocab))) << back_to;
    memory.release(seq);
  }
}

TEST_P(Model, TheOutputMatrixMakesTheLogitsOfTheHiddenRows) {
  if (GetParam() == "embedded") GTEST_SKIP() << "its matrix is quantised";
  const model::test::SyntheticModel source = synthetic(GetParam(), 2);
  ASSERT_OK_AND_ASSIGN(const gguf::File f, source.file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(f));
  ASSERT_OK_AND_ASSIGN(const SeqId seq, e->memory().create());
  ASSERT_OK_AND_ASSIGN(const auto rows, run(*e, seq, std::vector<Token>{3, 1, 4, 1, 5}));
  const auto output = source.tensors.find("output.weight");
  const model::test::SyntheticTensor& matrix =
      output == source.tensors.end() ? source.tensors.at("token_embd.weight") : output->second;
  const auto n_embd = static_cast<size_t>(matrix.ne[0]), n_vocab = static_cast<size_t>(matrix.ne[1]);
  const std::span<const float> hidden = e->hidden();
  ASSERT_EQ(hidden.size(), 5 * n_embd);
  std::vector<float> want(5 * n_vocab);
  for (size_t i = 0; i < want.size(); ++i)
    want[i] =
        std::inner_product(&matrix.data[i % n_vocab * n_embd], &matrix.data[i % n_vocab * n_embd] + n_embd,
                           &hidden[i / n_vocab * n_embd], 0.0f);
  EXPECT_LT(test::nmse(rows, want), 1e-10);
}

TEST_P(Model, AForkGoesItsOwnWay) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(f));
  const std::vector<Token> text = long_text();
  ASSERT_OK_AND_ASSIGN(const auto want, logits(*e, text, 100));
  const size_t n_vocab = want.size() / text.size();
  ASSERT_OK_AND_ASSIGN(const SeqId seq, e->memory().create());
  ASSERT_OK(run(*e, seq, std::span(text).first(45)));
  ASSERT_OK_AND_ASSIGN(const SeqId twin, e->memory().fork(seq));
  ASSERT_OK(run(*e, twin, std::vector<Token>(30, 5)));
  ASSERT_OK_AND_ASSIGN(const auto got, run(*e, seq, std::span(text).subspan(45)));
  EXPECT_TRUE(same_bits(got, std::span(want).subspan(45 * n_vocab)));
}

std::vector<std::string> models() {
  std::vector<std::string> names(std::begin(kArchitectures), std::end(kArchitectures));
  names.emplace_back("embedded");
  return names;
}
// Threads divide the work on int8 forms in other ways than that on floats.
TEST(QuantizedMatrices, GiveTheSameBitsForAnyNumberOfThreadsStepAndIsa) {
  for (const auto& architecture : kArchitectures) {
    model::test::SyntheticModel source = synthetic(architecture, 3);
    source.q8_0 = true;
    ASSERT_OK_AND_ASSIGN(const gguf::File f, source.file());
    ASSERT_OK_AND_ASSIGN(const auto one, load(f, {.threads = 1}));
    ASSERT_OK_AND_ASSIGN(const auto want, logits(*one, long_text(), 50));
    EXPECT_TRUE(std::ranges::all_of(want, [](float x) { return std::isfinite(x); })) << architecture;
    for (const int32_t threads : {2, 3, 5})
      for (const size_t step : {1u, 7u, 100u}) {
        ASSERT_OK_AND_ASSIGN(const auto e, load(f, {.threads = threads}));
        ASSERT_OK_AND_ASSIGN(const auto got, logits(*e, long_text(), step));
        EXPECT_TRUE(same_bits(got, want)) << architecture << ", " << threads << " threads, steps of " << step;
      }
    for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
      if (!is_supported(isa)) continue;
      setenv("HALCYON_ISA", std::string(name_of(isa)).c_str(), 1);
      const auto e = load(f, {.threads = 2});
      unsetenv("HALCYON_ISA");
      ASSERT_TRUE(e.has_value()) << e.error().message;
      ASSERT_OK_AND_ASSIGN(const auto got, logits(**e, long_text(), 50));
      EXPECT_TRUE(same_bits(got, want)) << architecture << ", " << name_of(isa);
    }
  }
}

TEST(QuantizedMatrices, AStepMayWantNoLogits) {
  model::test::SyntheticModel source = synthetic("llama", 2);
  source.q8_0 = true;
  ASSERT_OK_AND_ASSIGN(const gguf::File f, source.file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(f, {.threads = 2}));
  ASSERT_OK_AND_ASSIGN(const SeqId seq, e->memory().create());
  ASSERT_OK_AND_ASSIGN(const auto none, run(*e, seq, long_text(), Segment::Logits::none));
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(e->memory().length(seq), 100);
}

INSTANTIATE_TEST_SUITE_P(All, Model, testing::ValuesIn(models()), [](const auto& name) {
  std::string out = name.param;
  std::erase(out, '-');
  return out;
});

TEST(Executable, EveryKvTypeIsCloseToFloat32) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, synthetic("qwen3", 4).file());
  ASSERT_OK_AND_ASSIGN(const auto exact, load(f, {.kv = KvType::f32}));
  ASSERT_OK_AND_ASSIGN(const auto want, logits(*exact, long_text(), 100));
  for (const auto& [kv, bound] : {std::pair{KvType::f16, 1e-6}, {KvType::q8_0, 1e-3}}) {
    ASSERT_OK_AND_ASSIGN(const auto e, load(f, {.kv = kv}));
    ASSERT_OK_AND_ASSIGN(const auto got, logits(*e, long_text(), 100));
    EXPECT_LT(test::nmse(got, want), bound);
    EXPECT_GT(test::nmse(got, want), 0);
  }
}

TEST(Executable, RefusesStepsThatItCannotDoAndStaysUsable) {
  ASSERT_OK_AND_ASSIGN(const gguf::File f, synthetic("llama").file());
  ASSERT_OK_AND_ASSIGN(const auto e, load(f, {.n_batch = 64, .n_seq = 1}));
  ASSERT_OK_AND_ASSIGN(const SeqId seq, e->memory().create());
  EXPECT_ERROR(run(*e, seq, std::vector<Token>{1, 40}),
               HasSubstr("token id 40 is not in the vocabulary of 40"));
  EXPECT_ERROR(run(*e, seq, std::vector<Token>{-1}), HasSubstr("token id -1"));
  EXPECT_ERROR(run(*e, seq, std::vector<Token>(65, 1)), HasSubstr("n_batch = 64"));
  EXPECT_ERROR(run(*e, 7, std::vector<Token>{1}), HasSubstr("7"));
  EXPECT_ERROR(e->memory().create(), HasSubstr("1"));
  for (int i = 0; i < 4; ++i) ASSERT_OK(run(*e, seq, std::vector<Token>(64, 1), Segment::Logits::last));
  EXPECT_ERROR(run(*e, seq, std::vector<Token>{1}), HasSubstr("256"));
  EXPECT_EQ(e->memory().length(seq), 256);
  ASSERT_OK(e->memory().truncate(seq, 10));
  ASSERT_OK(run(*e, seq, std::vector<Token>{1}));
}

TEST(Device, SaysWhatItIs) {
  ASSERT_OK_AND_ASSIGN(const auto device, create({.threads = 3}));
  EXPECT_FALSE(device->info().name.empty());
  EXPECT_THAT(device->info().driver, testing::StartsWith("cpu "));
  EXPECT_EQ(device->info().threads, 3);
  EXPECT_GT(device->info().memory, 1u << 20);
}

TEST(Device, TheIsaCanBeForcedAndTakesEffect) {
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512}) {
    setenv("HALCYON_ISA", std::string(name_of(isa)).c_str(), 1);
    const auto device = create();
    unsetenv("HALCYON_ISA");
    if (is_supported(isa)) {
      ASSERT_TRUE(device.has_value());
      EXPECT_EQ((*device)->info().driver, "cpu " + std::string(name_of(isa)));
      EXPECT_EQ(kernels(isa).isa, isa);
    } else {
      EXPECT_ERROR(device, HasSubstr("does not have it"));
    }
  }
  setenv("HALCYON_ISA", "sse9", 1);
  const auto unknown = create();
  unsetenv("HALCYON_ISA");
  EXPECT_ERROR(unknown, HasSubstr("use scalar, avx2 or avx512"));
}

TEST(Device, AFileThatShrinksWhileItIsLoadedIsAnError) {
  test::TemporaryDir dir;
  ASSERT_OK_AND_ASSIGN(const std::string bytes, synthetic("llama").bytes());
  test::write_file(dir.path() / "m.gguf", bytes);
  ASSERT_OK_AND_ASSIGN(const gguf::File f, gguf::File::open(dir.path() / "m.gguf"));
  std::filesystem::resize_file(dir.path() / "m.gguf", bytes.size() / 2);
  EXPECT_ERROR(load(f), HasSubstr("the file ends at byte"));
}

}  // namespace
}  // namespace halcyon::cpu
