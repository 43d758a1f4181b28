// The ops of a model, one struct each, and the list of them all. Everything that must know every op (printer,
// planner, backends) goes over `Op`; a backend that forgets one does not compile.
//
// Shapes: a value is [rows, width]; rows is the number of tokens in the step, T, or of the rows whose logits
// are wanted. Elements are float32, but for the expert ids of MoeRoute (int32). Weights are named as in GGUF
// files; a matrix {in, out} maps a row of `in` to a row of `out`.
//
// Each op tells a visitor what it reads and writes, in an order that a reader expects:
//   v.in(value)  v.weight(weight)  v.attribute(name, number)  v.out(value)
// Optional operands are `none` and are passed on all the same.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace halcyon::program {

using ValueId = int32_t;
using WeightId = int32_t;
inline constexpr int32_t none = -1;

/// Rows of the embedding table for the step's tokens, times `scale`: out [T, n_embd].
struct Embed {
  static constexpr std::string_view name = "embed";
  WeightId table;  // {n_embd, n_vocab}
  float scale = 1;
  ValueId out;
  void visit(auto& v) const { v.weight(table), v.attribute("scale", scale), v.out(out); }
};

/// x / sqrt(mean(x^2) + eps) * weight over each group of n = size of `weight` elements: a whole row, or head
/// by head.
struct RmsNorm {
  static constexpr std::string_view name = "rms_norm";
  ValueId x;
  WeightId weight;  // {n}
  float eps;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.weight(weight), v.attribute("eps", eps), v.out(out); }
};

/// x / max(sqrt(sum x^2), eps) * scale over each group of n elements.
struct L2Norm {
  static constexpr std::string_view name = "l2_norm";
  ValueId x;
  int64_t n;
  float eps;
  float scale = 1;
  ValueId out;
  void visit(auto& v) const {
    v.in(x), v.attribute("n", n), v.attribute("eps", eps), v.attribute("scale", scale), v.out(out);
  }
};

/// out = weight x * scale + bias: x [rows, in], weight {in, out}, scale {1}, bias {out}.
struct MatMul {
  static constexpr std::string_view name = "matmul";
  ValueId x;
  WeightId weight;
  WeightId scale = none;
  WeightId bias = none;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.weight(weight), v.weight(scale), v.weight(bias), v.out(out); }
};

/// out = a + b, element by element.
struct Add {
  static constexpr std::string_view name = "add";
  ValueId a, b;
  ValueId out;
  void visit(auto& v) const { v.in(a), v.in(b), v.out(out); }
};

/// out[g * width + i] = x[g * stride + offset + i] in each row, for i < width and every group g of `stride`
/// elements.
struct Slice {
  static constexpr std::string_view name = "slice";
  ValueId x;
  int64_t stride, offset, width;
  ValueId out;
  void visit(auto& v) const {
    v.in(x), v.attribute("stride", stride), v.attribute("offset", offset), v.attribute("width", width),
        v.out(out);
  }
};

/// Rotary embedding of the first dimensions of every head, by table `table` of the program (RoFormer,
/// arXiv:2104.09864).
struct Rope {
  static constexpr std::string_view name = "rope";
  ValueId x;  // [T, heads * head_dim]
  int64_t head_dim;
  int32_t table;
  ValueId out;
  void visit(auto& v) const {
    v.in(x), v.attribute("head_dim", head_dim), v.attribute("table", table), v.out(out);
  }
};

/// Appends k and v to KV cache `cache` of each token's sequence; then softmax attention of q over the
/// sequence so far. Query head h reads KV head h / (n_head / n_head_kv) (GQA, arXiv:2305.13245). Key j is
/// seen from query i if 0 <= i - j, and i - j < window if there is one (0: none). `sinks` {n_head}: one more
/// logit per head, without a value.
struct Attention {
  static constexpr std::string_view name = "attention";
  ValueId q;      // [T, n_head * head_dim]
  ValueId k, v_;  // [T, n_head_kv * head_dim]
  int32_t cache;
  int32_t n_head;
  float scale;
  int32_t window = 0;
  WeightId sinks = none;
  ValueId out;  // [T, n_head * head_dim]
  void visit(auto& v) const {
    v.in(q), v.in(k), v.in(v_), v.weight(sinks), v.attribute("cache", cache), v.attribute("n_head", n_head);
    v.attribute("scale", scale), v.attribute("window", window), v.out(out);
  }
};

/// act(gate) * up, the gated activations of feed-forward networks (arXiv:2002.05202).
enum class Activation {
  silu,        // gate * sigmoid(gate)
  gelu,        // tanh form
  swiglu_oai,  // gpt-oss: g = min(gate, 7), u = clamp(up, -7, 7); g * sigmoid(1.702 g) * (u + 1)
};
struct Glu {
  static constexpr std::string_view name = "glu";
  ValueId gate, up;
  Activation activation = Activation::silu;
  ValueId out;
  void visit(auto& v) const {
    v.in(gate), v.in(up), v.attribute("activation", static_cast<int64_t>(activation)), v.out(out);
  }
};

/// sigmoid(x).
struct Sigmoid {
  static constexpr std::string_view name = "sigmoid";
  ValueId x;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.out(out); }
};

/// x * sigmoid(gate); gate has the width of x, or 1.
struct SigmoidGate {
  static constexpr std::string_view name = "sigmoid_gate";
  ValueId x, gate;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.in(gate), v.out(out); }
};

/// cap * tanh(x / cap).
struct Softcap {
  static constexpr std::string_view name = "softcap";
  ValueId x;
  float cap;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.attribute("cap", cap), v.out(out); }
};

/// Chooses n_used of n_expert experts for each token, largest logits first, the lower id first among equals.
enum class Gating {
  softmax_all,       // softmax over all experts, then divided by the sum of the chosen (at least 2^-14)
  softmax_selected,  // softmax over the chosen alone
};
struct MoeRoute {
  static constexpr std::string_view name = "moe_route";
  ValueId logits;  // [T, n_expert]
  Gating gating;
  ValueId ids;      // [T, n_used], int32
  ValueId weights;  // [T, n_used]
  void visit(auto& v) const {
    v.in(logits), v.attribute("gating", static_cast<int64_t>(gating)), v.out(ids), v.out(weights);
  }
};

/// For slot s of each token the product with its expert e = ids[s]: out_s = weight[e] x_s * scale[e] +
/// bias[e]. x [T, in] serves every slot, or x [T, n_used * in] has a row for each. weight {in, out,
/// n_expert}, scale {n_expert}, bias {out, n_expert}; out [T, n_used * out].
struct MoeMatMul {
  static constexpr std::string_view name = "moe_matmul";
  ValueId x, ids;
  WeightId weight;
  WeightId scale = none;
  WeightId bias = none;
  ValueId out;
  void visit(auto& v) const {
    v.in(x), v.in(ids), v.weight(weight), v.weight(scale), v.weight(bias), v.out(out);
  }
};

/// out = sum over slots of weights[s] * x_s: x [T, n_used * n], weights [T, n_used], out [T, n].
struct MoeCombine {
  static constexpr std::string_view name = "moe_combine";
  ValueId x, weights;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.in(weights), v.out(out); }
};

/// SiLU of a causal depthwise convolution along the sequence; the last tap meets the current token, and
/// before the sequence's start there are zeros. kernel {d_conv, channels}; `state` keeps the rows that came
/// before.
struct CausalConv {
  static constexpr std::string_view name = "causal_conv";
  ValueId x;  // [T, channels]
  WeightId kernel;
  int32_t state;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.weight(kernel), v.attribute("state", state), v.out(out); }
};

/// g = a * softplus(alpha + dt_bias), the logarithm of the decay: alpha [T, n_v], a {n_v}, dt_bias {n_v}.
struct DeltaDecay {
  static constexpr std::string_view name = "delta_decay";
  ValueId alpha;
  WeightId a, dt_bias;
  ValueId out;
  void visit(auto& v) const { v.in(alpha), v.weight(a), v.weight(dt_bias), v.out(out); }
};

/// Gated delta rule (arXiv:2412.06464). Value head h uses key head h mod n_k. Per value head, with state S
/// [dk, dv]:
///   S <- exp(g) S;  d = beta (v - S^T k);  S <- S + k d^T;  out = S^T q.
struct DeltaNet {
  static constexpr std::string_view name = "delta_net";
  ValueId q, k;     // [T, n_k * dk], normalised; q scaled
  ValueId v_;       // [T, n_v * dv]
  ValueId g, beta;  // [T, n_v]
  int32_t state;
  ValueId out;  // [T, n_v * dv]
  void visit(auto& v) const {
    v.in(q), v.in(k), v.in(v_), v.in(g), v.in(beta), v.attribute("state", state), v.out(out);
  }
};

/// The rows whose logits are wanted, in the order of the step: x [T, n], out [outputs, n].
struct Outputs {
  static constexpr std::string_view name = "outputs";
  ValueId x;
  ValueId out;
  void visit(auto& v) const { v.in(x), v.out(out); }
};

using Op =
    std::variant<Embed, RmsNorm, L2Norm, MatMul, Add, Slice, Rope, Attention, Glu, Sigmoid, SigmoidGate,
                 Softcap, MoeRoute, MoeMatMul, MoeCombine, CausalConv, DeltaDecay, DeltaNet, Outputs>;

namespace detail {
template <class Executor, class T>
concept Runs = requires(Executor& executor, const T& op) {
  executor.run(op);
};
template <class Executor, class... T>
consteval bool runs_all(const std::variant<T...>*) {
  return (Runs<Executor, T> && ...);
}
}  // namespace detail

/// An executor with a method `run` for every op: `static_assert(ImplementsEveryOp<MyExecutor>)`.
template <class Executor>
concept ImplementsEveryOp = detail::runs_all<Executor>(static_cast<const Op*>(nullptr));

}  // namespace halcyon::program
