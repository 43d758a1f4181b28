// The models of the conformance data on the CPU backend: logits after the prompt, and the greedy tokens that
// follow.
//
// Bounds on the normalised mean square error: 1e-6 for float32 files with a float32 cache, and for all files
// where matrices are decoded and activations not quantised ("exact"); 2e-3 for quantised files with int8
// activations.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "backend/cpu/device.h"
#include "model/model.h"
#include "tests/support/support.h"

namespace halcyon {
namespace {

using backend::Token;
using nlohmann::json;

const json& expectations() {
  static const json all = test::conformance_dir().empty()
                              ? json::object()
                              : json::parse(test::read_file(test::conformance_dir() / "logits.json"));
  return all;
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& [name, _] : expectations().items()) out.push_back(name);
  return out;
}

/// What a path gives for one model: the logits from which each of the greedy tokens is taken, if the tokens
/// before it are those of the reference.
using Rows = std::vector<std::vector<float>>;

struct Path {
  bool exact = false;  // matrices decoded, activations not quantised
  backend::KvType kv = backend::KvType::f32;
  int32_t n_batch = 256;
};

Result<Rows> evaluate(const std::string& name, const Path& path) {
  const auto prompt = expectations()[name]["prompt"].get<std::vector<Token>>();
  const auto greedy = expectations()[name]["greedy"].get<std::vector<Token>>();
  TRY(const gguf::File file, gguf::File::open(test::conformance_dir() / "models" / name));
  TRY(model::Model model, model::build(file, 256));
  TRY(const auto device, cpu::create({.threads = 2, .exact = path.exact}));
  backend::CompileOptions options;
  options.n_ctx = 256, options.n_batch = path.n_batch, options.kv = path.kv;
  TRY(const auto executable, device->compile(std::move(model.program), options));
  TRY(const backend::SeqId seq, executable->memory().create());
  Rows rows;
  const auto run = [&](std::span<const Token> tokens) -> Result<void> {
    const backend::Segment segment{.seq = seq, .tokens = tokens};
    TRY(const std::span<const float> row, executable->run({&segment, 1}));
    rows.assign(1, {row.begin(), row.end()});
    return {};
  };
  for (size_t at = 0; at < prompt.size(); at += static_cast<size_t>(path.n_batch))
    CHECK_OK(
        run(std::span(prompt).subspan(at, std::min(static_cast<size_t>(path.n_batch), prompt.size() - at))));
  Rows all = rows;
  for (size_t i = 0; i + 1 < greedy.size(); ++i) {
    CHECK_OK(run({&greedy[i], 1}));
    all.push_back(rows.front());
  }
  return all;
}

double nmse(const std::vector<float>& actual, const std::vector<float>& expected) {
  double error = 0, size = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(double{actual[i]} - expected[i], 2);
    size += std::pow(double{expected[i]}, 2);
  }
  return error / size;
}

/// The greedy token of every row is the reference's, wherever its margin is larger than the error of the row:
/// eight standard deviations of the difference to the exact path. (In a mixture of experts that error is
/// large where two experts are nearly tied and the other one is chosen.)
void expect_greedy(const Rows& got, const Rows& exact, const json& want) {
  const auto tokens = want["greedy"].get<std::vector<Token>>();
  const auto margins = want["greedy_margin"].get<std::vector<double>>();
  for (size_t i = 0; i < tokens.size(); ++i) {
    double mean_square = 0;
    for (const float v : exact[i]) mean_square += double{v} * v / static_cast<double>(exact[i].size());
    const double error = 8 * std::sqrt(std::max(nmse(got[i], exact[i]), 1e-10) * mean_square);
    const auto greedy = std::max_element(got[i].begin(), got[i].end()) - got[i].begin();
    if (margins[i] > error) {
      EXPECT_EQ(greedy, tokens[i]) << "token " << i << ", margin " << margins[i] << ", error " << error;
    }
  }
}

class Logits : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { SKIP_WITHOUT_CONFORMANCE(); }
  void TearDown() override { unsetenv("HALCYON_ISA"); }

  void check(const Path& path, double bound) {
    const json& want = expectations()[GetParam()];
    ASSERT_OK_AND_ASSIGN(const Rows exact, evaluate(GetParam(), {.exact = true}));
    ASSERT_OK_AND_ASSIGN(const Rows got, evaluate(GetParam(), path));
    const double error = nmse(got.front(), want["logits"].get<std::vector<float>>());
    std::printf("%-34s %s NMSE %.2e\n", GetParam().c_str(), path.exact ? "exact" : "int8 ", error);
    EXPECT_LE(error, bound);
    expect_greedy(got, exact, want);
  }
  bool is_float() const { return GetParam().find(".f32.") != std::string::npos; }
};

TEST_P(Logits, AgreeWithTheReference) { check({}, is_float() ? 1e-6 : 2e-3); }

TEST_P(Logits, AgreeWithTheReferenceInChunks) { check({.n_batch = 7}, is_float() ? 1e-6 : 2e-3); }

TEST_P(Logits, AgreeWithinTheErrorOfAnF16Cache) {
  check({.kv = backend::KvType::f16}, is_float() ? 1e-6 : 2e-3);
}

TEST_P(Logits, AgreeExactlyOnTheScalarPath) {
  setenv("HALCYON_ISA", "scalar", 1);
  check({.exact = true}, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Models, Logits, testing::ValuesIn(names()), [](const auto& model) {
  std::string name = model.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Logits);

TEST(ConformanceData, IsThere) { SKIP_WITHOUT_CONFORMANCE(); }

}  // namespace
}  // namespace halcyon
