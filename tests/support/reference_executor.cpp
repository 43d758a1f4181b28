#include "tests/support/reference_executor.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quant/type.h"

namespace halcyon::test {

using namespace program;

namespace {

static_assert(ImplementsEveryOp<ReferenceExecutor>);

/// Four sums, so that the additions need not wait for one another.
double dot(const float* a, const float* b, size_t n) {
  double sum[4] = {};
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (size_t j = 0; j < 4; j++) sum[j] += static_cast<double>(a[i + j]) * b[i + j];
  }
  for (; i < n; i++) sum[0] += static_cast<double>(a[i]) * b[i];
  return sum[0] + sum[1] + sum[2] + sum[3];
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double softplus(double x) { return x > 20 ? x : std::log1p(std::exp(x)); }

double activate(Activation activation, double gate, double up) {
  switch (activation) {
    case Activation::silu:
      return gate * sigmoid(gate) * up;
    case Activation::gelu:
      return 0.5 * gate * (1 + std::tanh(0.79788456 * gate * (1 + 0.044715 * gate * gate))) * up;
    case Activation::swiglu_oai: {
      const double g = std::min(gate, 7.0), u = std::clamp(up, -7.0, 7.0);
      return g * sigmoid(1.702 * g) * (u + 1);
    }
  }
  return NAN;
}

/// exp(x) over its sum, to which a sink adds without a share of its own.
std::vector<double> softmax(std::vector<double> x, double sink = -INFINITY) {
  const double max = std::max(sink, std::ranges::max(x));
  double sum = std::exp(sink - max);
  for (double& v : x) sum += v = std::exp(v - max);
  for (double& v : x) v /= sum;
  return x;
}

Result<std::vector<float>> decode(const Weight& w) {
  const quant::Traits& traits = quant::traits(w.type);
  if (traits.decode == nullptr) return fail("{}: type {} has no decoder", w.name, traits.name);
  std::vector<std::byte> bytes(w.size);
  CHECK_OK(w.source->read(w.offset, bytes));
  std::vector<float> values(static_cast<size_t>(w.ne[0] * w.ne[1] * w.ne[2] * w.ne[3]));
  traits.decode(bytes.data(), values.data(), values.size());
  return values;
}

}  // namespace

Result<ReferenceExecutor> ReferenceExecutor::create(const Program& program) {
  ReferenceExecutor executor(program);
  executor.values.resize(program.values.size());
  for (const Weight& w : program.weights) {
    TRY(auto decoded, decode(w));
    executor.weights_.push_back(std::move(decoded));
  }
  return executor;
}

Result<std::vector<float>> ReferenceExecutor::logits(std::span<const int32_t> tokens_in,
                                                     std::span<const int32_t> outputs_in) {
  for (const int32_t token : tokens_in) {
    if (token < 0 || token >= program_->n_vocab) return fail("token {} is not in the vocabulary", token);
  }
  tokens.assign(tokens_in.begin(), tokens_in.end());
  outputs.assign(outputs_in.begin(), outputs_in.end());
  if (outputs.empty()) {
    outputs.resize(tokens.size());
    std::iota(outputs.begin(), outputs.end(), 0);
  }
  for (const Op& op : program_->ops) std::visit([&](const auto& o) { run(o); }, op);
  return values[static_cast<size_t>(program_->logits)];
}

std::span<const float> ReferenceExecutor::value(std::string_view name) const {
  const auto found = std::ranges::find(program_->values, name, &Value::name);
  if (found == program_->values.end()) return {};
  return values[static_cast<size_t>(found - program_->values.begin())];
}

size_t ReferenceExecutor::width(ValueId v) const {
  return static_cast<size_t>(program_->values[static_cast<size_t>(v)].width);
}
size_t ReferenceExecutor::rows(ValueId v) const { return in(v).size() / width(v); }
const std::vector<float>& ReferenceExecutor::in(ValueId v) const { return values[static_cast<size_t>(v)]; }
std::vector<float>& ReferenceExecutor::out(ValueId v, size_t n) {
  auto& value = values[static_cast<size_t>(v)];
  value.assign(n * width(v), 0);
  return value;
}
const std::vector<float>& ReferenceExecutor::weight(WeightId w) const {
  return weights_[static_cast<size_t>(w)];
}
size_t ReferenceExecutor::ne(WeightId w, size_t dim) const {
  return static_cast<size_t>(program_->weights[static_cast<size_t>(w)].ne[dim]);
}

// ---- ops
// --------------------------------------------------------------------------------------------------------------

void ReferenceExecutor::run(const Embed& op) {
  const auto& table = weight(op.table);
  auto& y = out(op.out, tokens.size());
  const size_t n = width(op.out);
  for (size_t t = 0; t < tokens.size(); t++) {
    for (size_t i = 0; i < n; i++) y[t * n + i] = table[static_cast<size_t>(tokens[t]) * n + i] * op.scale;
  }
}

void ReferenceExecutor::run(const RmsNorm& op) {
  const auto& x = in(op.x);
  const auto& w = weight(op.weight);
  auto& y = out(op.out, rows(op.x));
  const size_t n = w.size();
  for (size_t start = 0; start < x.size(); start += n) {
    const double mean = dot(&x[start], &x[start], n) / static_cast<double>(n);
    const double scale = 1 / std::sqrt(mean + op.eps);
    for (size_t i = 0; i < n; i++) y[start + i] = static_cast<float>(x[start + i] * scale * w[i]);
  }
}

void ReferenceExecutor::run(const L2Norm& op) {
  const auto& x = in(op.x);
  auto& y = out(op.out, rows(op.x));
  const auto n = static_cast<size_t>(op.n);
  for (size_t start = 0; start < x.size(); start += n) {
    const double length = std::sqrt(dot(&x[start], &x[start], n));
    const double scale = op.scale / std::max(length, static_cast<double>(op.eps));
    for (size_t i = 0; i < n; i++) y[start + i] = static_cast<float>(x[start + i] * scale);
  }
}

void ReferenceExecutor::run(const MatMul& op) {
  const auto& x = in(op.x);
  const auto& w = weight(op.weight);
  auto& y = out(op.out, rows(op.x));
  const size_t n_in = ne(op.weight, 0), n_out = ne(op.weight, 1);
  const double scale = op.scale == none ? 1 : weight(op.scale)[0];
  for (size_t t = 0; t < rows(op.x); t++) {
    for (size_t o = 0; o < n_out; o++) {
      const double bias = op.bias == none ? 0 : weight(op.bias)[o];
      y[t * n_out + o] = static_cast<float>(dot(&x[t * n_in], &w[o * n_in], n_in) * scale + bias);
    }
  }
}

void ReferenceExecutor::run(const Add& op) {
  const auto &a = in(op.a), &b = in(op.b);
  auto& y = out(op.out, rows(op.a));
  for (size_t i = 0; i < y.size(); i++) y[i] = a[i] + b[i];
}

void ReferenceExecutor::run(const Slice& op) {
  const auto& x = in(op.x);
  auto& y = out(op.out, rows(op.x));
  const auto stride = static_cast<size_t>(op.stride), offset = static_cast<size_t>(op.offset),
             n = static_cast<size_t>(op.width);
  for (size_t g = 0; g < x.size() / stride; g++) {
    for (size_t i = 0; i < n; i++) y[g * n + i] = x[g * stride + offset + i];
  }
}

void ReferenceExecutor::run(const Rope& op) {
  const RopeTable& table = program_->rope_tables[static_cast<size_t>(op.table)];
  auto& y = out(op.out, rows(op.x));
  y = in(op.x);
  const size_t pairs = table.frequency.size(), head_dim = static_cast<size_t>(op.head_dim), n = width(op.x);
  for (size_t start = 0; start < y.size(); start += head_dim) {
    const auto pos = static_cast<double>(start / n);
    for (size_t j = 0; j < pairs; j++) {
      float& a = y[start + (table.interleaved ? 2 * j : j)];
      float& b = y[start + (table.interleaved ? 2 * j + 1 : j + pairs)];
      const double cos = std::cos(pos * table.frequency[j]) * table.magnitude;
      const double sin = std::sin(pos * table.frequency[j]) * table.magnitude;
      const double x0 = a, x1 = b;
      a = static_cast<float>(x0 * cos - x1 * sin);
      b = static_cast<float>(x0 * sin + x1 * cos);
    }
  }
}

void ReferenceExecutor::run(const Attention& op) {
  const auto &q = in(op.q), &k = in(op.k), &v = in(op.v_);
  const size_t T = rows(op.q), n_head = static_cast<size_t>(op.n_head), head_dim = width(op.q) / n_head;
  const size_t n_head_kv = width(op.k) / head_dim;
  auto& y = out(op.out, T);
  for (size_t i = 0; i < T; i++) {
    const size_t window = op.window > 0 ? static_cast<size_t>(op.window) : T;
    const size_t first = i + 1 > window ? i + 1 - window : 0;
    for (size_t h = 0; h < n_head; h++) {
      const size_t h_kv = h / (n_head / n_head_kv);
      const auto key = [&](size_t j) { return (j * n_head_kv + h_kv) * head_dim; };
      std::vector<double> scores;
      for (size_t j = first; j <= i; j++) {
        scores.push_back(op.scale * dot(&q[(i * n_head + h) * head_dim], &k[key(j)], head_dim));
      }
      const std::vector<double> share = softmax(scores, op.sinks == none ? -INFINITY : weight(op.sinks)[h]);
      for (size_t d = 0; d < head_dim; d++) {
        double sum = 0;
        for (size_t j = first; j <= i; j++) sum += share[j - first] * v[key(j) + d];
        y[(i * n_head + h) * head_dim + d] = static_cast<float>(sum);
      }
    }
  }
}

void ReferenceExecutor::run(const Glu& op) {
  const auto &gate = in(op.gate), &up = in(op.up);
  auto& y = out(op.out, rows(op.gate));
  for (size_t i = 0; i < y.size(); i++) y[i] = static_cast<float>(activate(op.activation, gate[i], up[i]));
}

void ReferenceExecutor::run(const Sigmoid& op) {
  const auto& x = in(op.x);
  auto& y = out(op.out, rows(op.x));
  for (size_t i = 0; i < y.size(); i++) y[i] = static_cast<float>(sigmoid(x[i]));
}

void ReferenceExecutor::run(const SigmoidGate& op) {
  const auto &x = in(op.x), &gate = in(op.gate);
  auto& y = out(op.out, rows(op.x));
  const size_t each = width(op.x) / width(op.gate);  // elements behind one gate
  for (size_t i = 0; i < y.size(); i++) y[i] = static_cast<float>(x[i] * sigmoid(gate[i / each]));
}

void ReferenceExecutor::run(const Softcap& op) {
  const auto& x = in(op.x);
  auto& y = out(op.out, rows(op.x));
  for (size_t i = 0; i < y.size(); i++)
    y[i] = static_cast<float>(op.cap * std::tanh(static_cast<double>(x[i]) / op.cap));
}

void ReferenceExecutor::run(const MoeRoute& op) {
  constexpr double kMinSum = 6.103515625e-5;  // 2^-14
  const auto& x = in(op.logits);
  auto& ids = out(op.ids, rows(op.logits));
  auto& weights = out(op.weights, rows(op.logits));
  const size_t n = width(op.logits), n_used = width(op.ids);
  for (size_t t = 0; t < rows(op.logits); t++) {
    const std::vector<double> logits(x.begin() + static_cast<std::ptrdiff_t>(t * n),
                                     x.begin() + static_cast<std::ptrdiff_t>((t + 1) * n));
    std::vector<size_t> order(n);
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater{}, [&](size_t e) { return logits[e]; });
    order.resize(n_used);

    std::vector<double> share;
    if (op.gating == Gating::softmax_all) {
      const std::vector<double> p = softmax(logits);
      for (const size_t e : order) share.push_back(p[e]);
      const double sum = std::max(kMinSum, std::accumulate(share.begin(), share.end(), 0.0));
      for (double& s : share) s /= sum;
    } else {
      for (const size_t e : order) share.push_back(logits[e]);
      share = softmax(share);
    }
    for (size_t s = 0; s < n_used; s++) {
      ids[t * n_used + s] = static_cast<float>(order[s]);
      weights[t * n_used + s] = static_cast<float>(share[s]);
    }
  }
}

void ReferenceExecutor::run(const MoeMatMul& op) {
  const auto &x = in(op.x), &ids = in(op.ids);
  const auto& w = weight(op.weight);
  const size_t n_in = ne(op.weight, 0), n_out = ne(op.weight, 1), n_used = width(op.ids);
  const bool shared = width(op.x) == n_in;  // one row for all slots
  auto& y = out(op.out, rows(op.x));
  for (size_t s = 0; s < ids.size(); s++) {
    const auto e = static_cast<size_t>(ids[s]);
    const float* row = &x[(shared ? s / n_used : s) * n_in];
    const double scale = op.scale == none ? 1 : weight(op.scale)[e];
    for (size_t o = 0; o < n_out; o++) {
      const double bias = op.bias == none ? 0 : weight(op.bias)[e * n_out + o];
      y[s * n_out + o] = static_cast<float>(dot(row, &w[(e * n_out + o) * n_in], n_in) * scale + bias);
    }
  }
}

void ReferenceExecutor::run(const MoeCombine& op) {
  const auto &x = in(op.x), &weights = in(op.weights);
  auto& y = out(op.out, rows(op.x));
  const size_t n = width(op.out), n_used = width(op.weights);
  for (size_t t = 0; t < rows(op.x); t++) {
    for (size_t i = 0; i < n; i++) {
      double sum = 0;
      for (size_t s = t * n_used; s < (t + 1) * n_used; s++)
        sum += static_cast<double>(weights[s]) * x[s * n + i];
      y[t * n + i] = static_cast<float>(sum);
    }
  }
}

void ReferenceExecutor::run(const CausalConv& op) {
  const auto &x = in(op.x), &kernel = weight(op.kernel);
  auto& y = out(op.out, rows(op.x));
  const size_t n = width(op.x), d_conv = ne(op.kernel, 0);
  for (size_t t = 0; t < rows(op.x); t++) {
    for (size_t c = 0; c < n; c++) {
      double sum = 0;
      for (size_t tap = 0; tap < d_conv; tap++) {
        const size_t back = d_conv - 1 - tap;
        if (back <= t) sum += static_cast<double>(kernel[c * d_conv + tap]) * x[(t - back) * n + c];
      }
      y[t * n + c] = static_cast<float>(sum * sigmoid(sum));
    }
  }
}

void ReferenceExecutor::run(const DeltaDecay& op) {
  const auto &alpha = in(op.alpha), &a = weight(op.a), &dt_bias = weight(op.dt_bias);
  auto& y = out(op.out, rows(op.alpha));
  for (size_t i = 0; i < y.size(); i++) {
    const size_t h = i % a.size();
    y[i] = static_cast<float>(a[h] * softplus(static_cast<double>(alpha[i]) + dt_bias[h]));
  }
}

void ReferenceExecutor::run(const DeltaNet& op) {
  const DeltaState& shape = program_->delta_states[static_cast<size_t>(op.state)];
  const auto n_k = static_cast<size_t>(shape.n_k), n_v = static_cast<size_t>(shape.n_v);
  const auto dk = static_cast<size_t>(shape.dk), dv = static_cast<size_t>(shape.dv);
  const auto &q = in(op.q), &k = in(op.k), &v = in(op.v_), &g = in(op.g), &beta = in(op.beta);
  const size_t T = rows(op.q);
  auto& y = out(op.out, T);
  std::vector<double> S(dk * dv), d(dv);
  for (size_t h = 0; h < n_v; h++) {
    std::ranges::fill(S, 0);
    for (size_t t = 0; t < T; t++) {
      const float* qt = &q[(t * n_k + h % n_k) * dk];
      const float* kt = &k[(t * n_k + h % n_k) * dk];
      const float* vt = &v[(t * n_v + h) * dv];
      const double decay = std::exp(static_cast<double>(g[t * n_v + h]));
      for (double& s : S) s *= decay;
      for (size_t j = 0; j < dv; j++) {
        double read = 0;
        for (size_t i = 0; i < dk; i++) read += S[i * dv + j] * kt[i];
        d[j] = beta[t * n_v + h] * (vt[j] - read);
      }
      for (size_t j = 0; j < dv; j++) {
        double read = 0;
        for (size_t i = 0; i < dk; i++) read += (S[i * dv + j] += kt[i] * d[j]) * qt[i];
        y[(t * n_v + h) * dv + j] = static_cast<float>(read);
      }
    }
  }
}

void ReferenceExecutor::run(const Outputs& op) {
  const auto& x = in(op.x);
  auto& y = out(op.out, outputs.size());
  const size_t n = width(op.x);
  for (size_t r = 0; r < outputs.size(); r++) {
    std::copy_n(&x[static_cast<size_t>(outputs[r]) * n], n, &y[r * n]);
  }
}

// ---- functions
// --------------------------------------------------------------------------------------------------------

Result<std::vector<float>> reference_logits(const Program& program, std::span<const int32_t> tokens) {
  TRY(auto executor, ReferenceExecutor::create(program));
  return executor.logits(tokens);
}

double nmse(std::span<const float> actual, std::span<const float> expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double error = 0, total = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    const double difference = static_cast<double>(actual[i]) - expected[i];
    error += difference * difference;
    total += static_cast<double>(expected[i]) * expected[i];
  }
  return error / total;
}

}  // namespace halcyon::test
