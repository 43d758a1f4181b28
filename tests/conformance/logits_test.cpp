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

constexpr double kFloat = 1e-6, kInt8 = 2e-3;  // bounds of the error

/// The greedy tokens are the reference's. With int8 activations another one may come where its margin is
/// smaller than the error of the row, eight standard deviations of the difference to the exact path: in at
/// most 3 of the 24 rows of a model (measured: 3 in one, 2 in one, else 0 or 1).
///
/// In a mixture of experts int8 errors now and then turn a near tie between experts, and the row with it. At
/// most 3 rows may be as far off as only such a turn explains (measured: 2 in two models, 1 or 0 in others,
/// with NMSE from 0.036 to 0.44); of all other rows, the largest error measured is 4.4e-3.
void expect_greedy(const Rows& got, const Rows& exact, const json& want, double bound, bool mixture) {
  const auto tokens = want["greedy"].get<std::vector<Token>>();
  const auto margins = want["greedy_margin"].get<std::vector<double>>();
  const bool int8 = bound == kInt8;
  int n_turned = 0, n_others = 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    double mean_square = 0;
    for (const float v : exact[i]) mean_square += double{v} * v / static_cast<double>(exact[i].size());
    const double row_error = nmse(got[i], exact[i]);
    n_turned += row_error > 2.5 * bound;
    if (std::max_element(got[i].begin(), got[i].end()) - got[i].begin() == tokens[i]) continue;
    ++n_others;
    const double tolerance = 8 * std::sqrt(row_error * mean_square);
    EXPECT_LE(margins[i], tolerance) << "token " << i << " is another one";
  }
  EXPECT_LE(n_turned, int8 && mixture ? 3 : 0);
  EXPECT_LE(n_others, int8 ? 3 : 0);
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
    expect_greedy(got, exact, want, bound, is_mixture());
  }
  double bound() const { return GetParam().find(".f32.") != std::string::npos ? kFloat : kInt8; }
  static bool is_mixture() {
    return GetParam().find("moe") != std::string::npos || GetParam().find("gpt-oss") != std::string::npos;
  }
};

TEST_P(Logits, AgreeWithTheReference) { check({}, bound()); }

TEST_P(Logits, AgreeWithTheReferenceInChunks) { check({.n_batch = 7}, bound()); }

TEST_P(Logits, AgreeWithinTheErrorOfAnF16Cache) { check({.kv = backend::KvType::f16}, bound()); }

TEST_P(Logits, AgreeExactlyOnTheScalarPath) {
  setenv("HALCYON_ISA", "scalar", 1);
  check({.exact = true}, kFloat);
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
