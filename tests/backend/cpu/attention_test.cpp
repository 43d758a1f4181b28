#include "backend/cpu/attention.h"

#include "tests/backend/cpu/ops_support.h"

namespace halcyon::cpu::test {
namespace {

using backend::KvType;

struct Shape {
  int n_head, n_head_kv, head_dim, window, n_tokens;
  bool sinks;
};

void PrintTo(const Shape& s, std::ostream* out) {
  *out << s.n_head << " heads, " << s.n_head_kv << " KV heads of " << s.head_dim << ", window " << s.window
       << ", " << s.n_tokens << " tokens" << (s.sinks ? ", sinks" : "");
}

class AttentionLayer final : public Layer {
 public:
  explicit AttentionLayer(const Shape& shape, uint32_t seed = 1) : shape_(shape) {
    const auto n = static_cast<size_t>(shape.n_tokens);
    q_ = normal(n * q_width(), seed);
    k_ = normal(n * kv_width(), seed + 1);
    v_ = normal(n * kv_width(), seed + 2);
    sinks_ = normal(static_cast<size_t>(shape.n_head), seed + 3);
    program_.kv_caches = {{shape.n_head_kv, shape.head_dim}};
  }

  using Layer::run;
  const program::Program& program() const override { return program_; }
  int n_tokens() const override { return shape_.n_tokens; }

  std::vector<float> run(const Kernels& kernels, CpuMemory& memory, const std::vector<Piece>& pieces,
                         int threads) const override {
    const auto q = gather(q_, q_width(), pieces), k = gather(k_, kv_width(), pieces),
               v = gather(v_, kv_width(), pieces);
    std::vector<float> out(q.size());
    const AttentionArgs args{.q = q.data(),
                             .k = k.data(),
                             .v = v.data(),
                             .out = out.data(),
                             .cache = memory.kv(0),
                             .n_head = shape_.n_head,
                             .scale = scale(),
                             .window = shape_.window,
                             .sinks = shape_.sinks ? sinks_.data() : nullptr};
    run_step(memory, pieces, [&](const Step& step) {
      run_team(threads, [&](Part part) { kernels.store_kv(args, step, part); });
      run_team(threads, [&](Part part) { kernels.attend(args, step, part); });
    });
    return out;
  }

  /// The definition, in double precision.
  std::vector<double> reference() const {
    const int hd = shape_.head_dim, group = shape_.n_head / shape_.n_head_kv;
    std::vector<double> out(q_.size());
    for (int i = 0; i < shape_.n_tokens; ++i) {
      for (int h = 0; h < shape_.n_head; ++h) {
        const float* q = &q_[static_cast<size_t>(i * q_width() + h * hd)];
        const auto at = [&](int j) { return static_cast<size_t>(j * kv_width() + h / group * hd); };
        const int first = shape_.window > 0 ? std::max(0, i - shape_.window + 1) : 0;
        double sum = shape_.sinks ? std::exp(double{sinks_[static_cast<size_t>(h)]}) : 0;
        double* o = &out[static_cast<size_t>(i * q_width() + h * hd)];
        for (int j = first; j <= i; ++j) {
          double score = 0;
          for (int d = 0; d < hd; ++d) score += double{q[d]} * k_[at(j) + static_cast<size_t>(d)];
          const double p = std::exp(score * scale());
          sum += p;
          for (int d = 0; d < hd; ++d) o[d] += p * v_[at(j) + static_cast<size_t>(d)];
        }
        for (int d = 0; d < hd; ++d) o[d] /= sum;
      }
    }
    return out;
  }

 private:
  int q_width() const { return shape_.n_head * shape_.head_dim; }
  int kv_width() const { return shape_.n_head_kv * shape_.head_dim; }
  float scale() const { return 1 / std::sqrt(static_cast<float>(shape_.head_dim)); }

  Shape shape_;
  program::Program program_;
  std::vector<float> q_, k_, v_, sinks_;
};

class Attention : public ::testing::TestWithParam<Shape> {};

TEST_P(Attention, IsTheSoftmaxOverWhatATokenSees) {
  const AttentionLayer layer(GetParam());
  const auto expected = layer.reference();
  for (const Kernels* kernels : all_kernels()) {
    SCOPED_TRACE(name_of(kernels->isa));
    EXPECT_LT(distance(layer.run(*kernels, 64, 1, KvType::f32), expected), 1e-6);
    EXPECT_LT(distance(layer.run(*kernels, 64, 1, KvType::f16), expected), 5e-4);
    EXPECT_LT(distance(layer.run(*kernels, 64, 1, KvType::q8_0), expected), 1e-2);
  }
}

TEST_P(Attention, HasTheSameBitsWhateverHappens) {
  const AttentionLayer layer(GetParam());
  for (const KvType kv : {KvType::f32, KvType::f16, KvType::q8_0}) {
    SCOPED_TRACE(static_cast<int>(kv));
    expect_same_bits_whatever_happens(layer, kv);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Attention,
                         ::testing::Values(Shape{1, 1, 16, 0, 50, false},  //
                                           Shape{6, 2, 40, 0, 75, false},  // not whole lanes, groups of 3
                                           Shape{8, 1, 64, 0, 70,
                                                 true},  // a group of 8, as wide as the registers
                                           Shape{5, 5, 80, 33, 110, false},  // no groups, a scale group of 16
                                           Shape{10, 2, 128, 8, 75, false},  // a window inside a block
                                           Shape{4, 2, 64, 64, 150, true},   // gpt-oss: window and sinks
                                           Shape{7, 1, 256, 100, 140, false}  // a group of 7
                                           ));

TEST(AttentionWithSinks, CanIgnoreAllTokens) {
  // With every score near zero and 33 tokens, a sink of 80 takes practically all the weight.
  AttentionArgs args;
  program::Program program;
  program.kv_caches = {{1, 16}};
  const auto memory = CpuMemory::create(program, {}).value();
  const auto seq = memory->create().value();
  const std::vector<float> q(33 * 16, 0.0f), ones(33 * 16, 1.0f);
  std::vector<float> out(33 * 16);
  const float sink = 80;
  args = {.q = q.data(),
          .k = ones.data(),
          .v = ones.data(),
          .out = out.data(),
          .cache = memory->kv(0),
          .n_head = 1,
          .sinks = &sink};
  const Kernels& kernels = *all_kernels().back();
  run_step(*memory, {{seq, 0, 33}}, [&](const Step& step) {
    kernels.store_kv(args, step, {});
    kernels.attend(args, step, {});
  });
  for (const float x : out) EXPECT_LT(x, 1e-30f);
}

class AttentionOfLaterTokens : public ::testing::TestWithParam<KvType> {};

TEST_P(AttentionOfLaterTokens, DoesNotReachBack) {
  // A later token of the same step that is not a number leaves the earlier ones alone, though their scores
  // are computed side by side.
  program::Program program;
  program.kv_caches = {{1, 16}};
  backend::CompileOptions options;
  options.kv = GetParam();
  const auto memory = CpuMemory::create(program, options).value();
  const auto seq = memory->create().value();
  std::vector<float> x(8 * 16, 0.5f), out(8 * 16);
  std::fill(x.begin() + 7 * 16, x.end(), std::numeric_limits<float>::quiet_NaN());
  const AttentionArgs args{
      .q = x.data(), .k = x.data(), .v = x.data(), .out = out.data(), .cache = memory->kv(0), .n_head = 1};
  for (const Kernels* kernels : all_kernels()) {
    ASSERT_OK(memory->truncate(seq, 0));
    run_step(*memory, {{seq, 0, 8}}, [&](const Step& step) {
      kernels->store_kv(args, step, {});
      kernels->attend(args, step, {});
    });
    for (size_t i = 0; i < 7 * 16; ++i) EXPECT_NEAR(out[i], 0.5f, 5e-4f);
    EXPECT_TRUE(std::isnan(out[7 * 16]));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, AttentionOfLaterTokens,
                         ::testing::Values(KvType::f32, KvType::f16, KvType::q8_0));

TEST(AttentionOfWhatIsNotANumber, IsNotANumber) {
  for (const KvType type : {KvType::f32, KvType::f16, KvType::q8_0}) {
    for (const bool in_keys : {true, false}) {
      program::Program program;
      program.kv_caches = {{1, 16}};
      backend::CompileOptions options;
      options.kv = type;
      const auto memory = CpuMemory::create(program, options).value();
      const auto seq = memory->create().value();
      const std::vector<float> x(8 * 16, 0.5f);
      std::vector<float> bad = x, out(8 * 16);
      bad[3 * 16 + 5] = std::numeric_limits<float>::infinity();
      const AttentionArgs args{.q = x.data(),
                               .k = in_keys ? bad.data() : x.data(),
                               .v = in_keys ? x.data() : bad.data(),
                               .out = out.data(),
                               .cache = memory->kv(0),
                               .n_head = 1};
      for (const Kernels* kernels : all_kernels()) {
        ASSERT_OK(memory->truncate(seq, 0));
        run_step(*memory, {{seq, 0, 8}}, [&](const Step& step) {
          kernels->store_kv(args, step, {});
          kernels->attend(args, step, {});
        });
        EXPECT_NEAR(out[2 * 16 + 5], 0.5f, 5e-4f);
        EXPECT_FALSE(std::isfinite(out[3 * 16 + 5])) << name_of(kernels->isa);
        EXPECT_FALSE(std::isfinite(out[7 * 16 + 5])) << name_of(kernels->isa);
      }
    }
  }
}

/// Attention of one head over a q8_0 cache, all tokens in one step; q, k, v: [n_tokens, width].
std::vector<float> over_q8_0(const Kernels& kernels, int width, const std::vector<float>& q,
                             const std::vector<float>& k, const std::vector<float>& v, float scale = 1) {
  program::Program program;
  program.kv_caches = {{1, width}};
  backend::CompileOptions options;
  options.kv = KvType::q8_0;
  const auto memory = CpuMemory::create(program, options).value();
  const auto seq = memory->create().value();
  std::vector<float> out(q.size());
  const AttentionArgs args{.q = q.data(),
                           .k = k.data(),
                           .v = v.data(),
                           .out = out.data(),
                           .cache = memory->kv(0),
                           .n_head = 1,
                           .scale = scale};
  run_step(*memory, {{seq, 0, static_cast<int>(q.size()) / width}}, [&](const Step& step) {
    kernels.store_kv(args, step, {});
    kernels.attend(args, step, {});
  });
  return out;
}

TEST(AttentionInIntegers, KeepsSmallWeightsBesideALargeOneOfASmallValue) {
  // The first position takes almost all the weight, and its value is almost nothing.
  const int n_tokens = 32, width = 64;
  std::vector<float> q(n_tokens * width), k(n_tokens * width), v = normal(n_tokens * width, 3);
  for (size_t i = 0; i < n_tokens; ++i) q[i * width] = 1, k[i * width] = i == 0 ? 10.0f : 0.0f;
  for (size_t d = 0; d < width; ++d) v[d] *= 5e-4f;
  std::vector<double> expected(width);
  for (size_t j = 0; j < n_tokens; ++j) {
    const double p = std::exp(double{k[j * width]}) / (std::exp(10.0) + n_tokens - 1);
    for (size_t d = 0; d < width; ++d) expected[d] += p * v[j * width + d];
  }
  for (const Kernels* kernels : all_kernels()) {
    const auto out = over_q8_0(*kernels, width, q, k, v);
    EXPECT_LT(distance({out.end() - width, out.end()}, expected), 1e-2) << name_of(kernels->isa);
  }
}

TEST(AttentionInIntegers, KeepsDimensionsInWhichThePositionThatCountsHasSmallValues) {
  // The first position takes almost all the weight; in dimensions 32 to 63 its values are a 64th of all
  // others, in the rest they are like them. Weights are scaled once for all dimensions. q8_0 holds all values
  // exactly: whatever is left is the rounding of weights.
  const int n_tokens = 32, width = 64;
  std::mt19937 random(5);
  std::vector<float> q(n_tokens * width), k(n_tokens * width), v(n_tokens * width);
  for (size_t i = 0; i < n_tokens; ++i) q[i * width] = 1, k[i * width] = i == 0 ? 8.0f : 0.0f;
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = i % 32 == 0 ? 127.0f / 64 : static_cast<float>(static_cast<int>(random() % 255) - 127) / 64;
  for (size_t d = 32; d < width; ++d) v[d] /= 64;
  std::vector<double> expected(32);
  for (size_t j = 0; j < n_tokens; ++j)
    for (size_t d = 0; d < 32; ++d)
      expected[d] += std::exp(double{k[j * width]}) / (std::exp(8.0) + n_tokens - 1) * v[j * width + 32 + d];
  for (const Kernels* kernels : all_kernels()) {
    const auto out = over_q8_0(*kernels, width, q, k, v);
    EXPECT_LT(distance({out.end() - 32, out.end()}, expected), 1e-2) << name_of(kernels->isa);
  }
}

TEST(AttentionInIntegers, KeepsTheManySmallWeightsBesideALargeOne) {
  // The first position has a score 6.4 above all others, which together have a twentieth of the weight; all
  // values are 1, and so must be their mean.
  const int n_tokens = 32, width = 16;
  std::vector<float> q(n_tokens * width), k(n_tokens * width), v(n_tokens * width, 1.0f);
  for (size_t i = 0; i < n_tokens; ++i) q[i * width] = 1, k[i * width] = i == 0 ? 6.4f : 0.0f;
  for (const Kernels* kernels : all_kernels())
    for (const float x : over_q8_0(*kernels, width, q, k, v))
      EXPECT_NEAR(x, 1, 1e-3) << name_of(kernels->isa);
}

TEST(AttentionInIntegers, LosesNothingOfWhatTheCacheHolds) {
  // Keys and values that q8_0 holds exactly: whatever is left is the rounding of queries and weights.
  const int n_tokens = 90, width = 64;
  std::mt19937 random(1);
  std::vector<float> q = normal(n_tokens * width, 2), x(n_tokens * width);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = i % 32 == 0 ? 127.0f / 64 : static_cast<float>(static_cast<int>(random() % 255) - 127) / 64;
  std::vector<double> expected(q.size());
  for (size_t i = 0; i < n_tokens; ++i) {
    double sum = 0;
    for (size_t j = 0; j <= i; ++j) {
      double score = 0;
      for (size_t d = 0; d < width; ++d) score += double{q[i * width + d]} * x[j * width + d];
      const double p = std::exp(score / 8);
      sum += p;
      for (size_t d = 0; d < width; ++d) expected[i * width + d] += p * x[j * width + d];
    }
    for (size_t d = 0; d < width; ++d) expected[i * width + d] /= sum;
  }
  for (const Kernels* kernels : all_kernels())
    EXPECT_LT(distance(over_q8_0(*kernels, width, q, x, x, 0.125f), expected), 1e-4) << name_of(kernels->isa);
}

}  // namespace
}  // namespace halcyon::cpu::test
