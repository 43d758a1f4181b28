#include "backend/cpu/delta_net.h"

#include "tests/backend/cpu/ops_support.h"

namespace halcyon::cpu::test {
namespace {

struct Shape {
  int n_k, n_v, dk, dv, n_tokens;
  float decay;  // g is of this order
};

void PrintTo(const Shape& s, std::ostream* out) {
  *out << s.n_k << " key heads of " << s.dk << ", " << s.n_v << " value heads of " << s.dv << ", "
       << s.n_tokens << " tokens, g about " << s.decay;
}

class DeltaNetLayer final : public Layer {
 public:
  explicit DeltaNetLayer(const Shape& shape, uint32_t seed = 1) : shape_(shape) {
    const auto n = static_cast<size_t>(shape.n_tokens);
    q_ = unit_heads(n * k_width(), seed);
    k_ = unit_heads(n * k_width(), seed + 1);
    v_ = normal(n * v_width(), seed + 2);
    g_ = normal(n * shape.n_v, seed + 3);
    for (float& g : g_) g = shape.decay * std::abs(g);
    beta_ = normal(n * shape.n_v, seed + 4, 3);
    for (float& b : beta_) b = 1 / (1 + std::exp(-b));  // from nearly 0 to nearly 1
    program_.delta_states = {{shape.n_k, shape.n_v, shape.dk, shape.dv}};
  }

  using Layer::run;
  const program::Program& program() const override { return program_; }
  int n_tokens() const override { return shape_.n_tokens; }

  std::vector<float> run(const Kernels& kernels, CpuMemory& memory, const std::vector<Piece>& pieces,
                         int threads) const override {
    const auto q = gather(q_, k_width(), pieces), k = gather(k_, k_width(), pieces),
               v = gather(v_, v_width(), pieces), g = gather(g_, shape_.n_v, pieces),
               beta = gather(beta_, shape_.n_v, pieces);
    std::vector<float> out(v.size());
    const DeltaArgs args{.q = q.data(),
                         .k = k.data(),
                         .v = v.data(),
                         .g = g.data(),
                         .beta = beta.data(),
                         .out = out.data(),
                         .state = memory.delta(0)};
    run_step(memory, pieces, [&](const Step& step) {
      run_team(threads, [&](Part part) { kernels.delta_net(args, step, part); });
      run_team(threads, [&](Part part) { kernels.delta_net_remember(args, step, part); });
    });
    return out;
  }

  /// The recurrence, token by token, in double precision.
  std::vector<double> reference() const {
    const auto [n_k, n_v, dk, dv, n_tokens, decay] = shape_;
    std::vector<double> out(v_.size());
    for (int h = 0; h < n_v; ++h) {
      std::vector<double> s(static_cast<size_t>(dk * dv));
      for (int t = 0; t < n_tokens; ++t) {
        const float *q = &q_[static_cast<size_t>((t * n_k + h % n_k) * dk)],
                    *k = &k_[static_cast<size_t>((t * n_k + h % n_k) * dk)],
                    *v = &v_[static_cast<size_t>((t * n_v + h) * dv)];
        const double keep = std::exp(double{g_[static_cast<size_t>(t * n_v + h)]}),
                     beta = beta_[static_cast<size_t>(t * n_v + h)];
        for (int c = 0; c < dv; ++c) {
          const auto at = [&](int a) -> double& { return s[static_cast<size_t>(a * dv + c)]; };
          double known = 0, o = 0;
          for (int a = 0; a < dk; ++a) known += (at(a) *= keep) * k[a];
          for (int a = 0; a < dk; ++a) o += (at(a) += k[a] * beta * (v[c] - known)) * q[a];
          out[static_cast<size_t>((t * n_v + h) * dv + c)] = o;
        }
      }
    }
    return out;
  }

 private:
  int k_width() const { return shape_.n_k * shape_.dk; }
  int v_width() const { return shape_.n_v * shape_.dv; }

  std::vector<float> unit_heads(size_t n, uint32_t seed) const {
    auto x = normal(n, seed);
    for (auto head = x.begin(); head != x.end(); head += shape_.dk) {
      double size = 0;
      for (int i = 0; i < shape_.dk; ++i) size += double{head[i]} * head[i];
      for (int i = 0; i < shape_.dk; ++i) head[i] = static_cast<float>(head[i] / std::sqrt(size));
    }
    return x;
  }

  Shape shape_;
  program::Program program_;
  std::vector<float> q_, k_, v_, g_, beta_;
};

class DeltaNet : public ::testing::TestWithParam<Shape> {};

TEST_P(DeltaNet, IsTheRecurrence) {
  const DeltaNetLayer layer(GetParam());
  const auto expected = layer.reference();
  for (const Kernels* kernels : all_kernels())
    for (const int chunk : {1, 50})
      EXPECT_LT(distance(layer.run(*kernels, chunk, 1), expected), 1e-5) << name_of(kernels->isa);
}

TEST_P(DeltaNet, HasTheSameBitsWhateverHappens) {
  expect_same_bits_whatever_happens(DeltaNetLayer(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Shapes, DeltaNet,
                         ::testing::Values(Shape{2, 4, 128, 128, 140, -0.1f},  // as in qwen35
                                           Shape{3, 3, 16, 48, 100, -0.01f},   //
                                           Shape{2, 6, 20, 16, 131, -1e-5f},   // hardly any decay
                                           Shape{1, 2, 37, 21, 99, -3},        // nothing whole
                                           Shape{1, 3, 48, 32, 70, -50},       // forgets at once
                                           Shape{2, 2, 1, 1, 66, -0.5f},       //
                                           Shape{2, 4, 64, 32, 100, 0.02f},    // grows, slowly
                                           Shape{1, 2, 128, 16, 100, 0.2f}));  // and a hundredfold in a chunk

TEST(DeltaNetOver4000Tokens, StaysWithTheRecurrence) {
  const DeltaNetLayer layer({1, 1, 32, 16, 4000, -0.001f});
  EXPECT_LT(distance(layer.run(*all_kernels().back(), 512, 1), layer.reference()), 1e-5);
}

class ConvLayerUnderTest final : public Layer {
 public:
  ConvLayerUnderTest(int d_conv, int channels, int n_tokens) : n_tokens_(n_tokens) {
    program_.conv_states = {{d_conv, channels}};
    x_ = normal(static_cast<size_t>(n_tokens * channels), 1);
    kernel_ = normal(static_cast<size_t>(d_conv * channels), 2);
  }

  using Layer::run;
  const program::Program& program() const override { return program_; }
  int n_tokens() const override { return n_tokens_; }

  std::vector<float> run(const Kernels& kernels, CpuMemory& memory, const std::vector<Piece>& pieces,
                         int threads) const override {
    const auto x = gather(x_, program_.conv_states[0].channels, pieces);
    std::vector<float> out(x.size());
    const ConvArgs args{.x = x.data(), .kernel = kernel_.data(), .out = out.data(), .state = memory.conv(0)};
    run_step(memory, pieces, [&](const Step& step) {
      run_team(threads, [&](Part part) { kernels.causal_conv(args, step, part); });
    });
    return out;
  }

  std::vector<double> reference() const {
    const auto [d_conv, channels] = program_.conv_states[0];
    std::vector<double> out(x_.size());
    for (int t = 0; t < n_tokens_; ++t)
      for (int c = 0; c < channels; ++c) {
        double sum = 0;
        for (int tap = 0; tap < d_conv; ++tap)
          if (const int from = t - (d_conv - 1) + tap; from >= 0)
            sum += double{kernel_[static_cast<size_t>(tap * channels + c)]} *
                   x_[static_cast<size_t>(from * channels + c)];
        out[static_cast<size_t>(t * channels + c)] = sum / (1 + std::exp(-sum));
      }
    return out;
  }

 private:
  int n_tokens_;
  program::Program program_;
  std::vector<float> x_, kernel_;
};

class CausalConv : public ::testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(CausalConv, IsTheConvolution) {
  const auto [d_conv, channels] = GetParam();
  const ConvLayerUnderTest layer(d_conv, channels, 130);
  for (const Kernels* kernels : all_kernels())
    EXPECT_LT(distance(layer.run(*kernels, 130, 1), layer.reference()), 1e-6);
}

TEST_P(CausalConv, HasTheSameBitsWhateverHappens) {
  const auto [d_conv, channels] = GetParam();
  expect_same_bits_whatever_happens(ConvLayerUnderTest(d_conv, channels, 130));
}

INSTANTIATE_TEST_SUITE_P(TapsAndChannels, CausalConv,
                         ::testing::Values(std::tuple{4, 64}, std::tuple{1, 16}, std::tuple{2, 5},
                                           std::tuple{8, 83}));

}  // namespace
}  // namespace halcyon::cpu::test
