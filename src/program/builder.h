// Writes a Program op by op and checks every shape on the way.
#pragma once

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "program/program.h"

namespace halcyon::program {

/// Each method appends one op and returns its output. The first mistake is kept and returned by finish(), so
/// that a recipe reads as the paper does, without error handling on every line; what follows a mistake has no
/// effect.
///
/// `name` is the value's name for people; inside a block() it is prefixed by "blk.N.".
class Builder {
 public:
  // Operands.
  WeightId weight(Weight weight);       ///< the same name twice gives the same id
  int32_t rope_table(RopeTable table);  ///< equal tables are stored once
  void block(int32_t layer) { prefix_ = "blk." + std::to_string(layer) + "."; }
  void no_block() { prefix_.clear(); }

  /// A mistake found by the recipe itself, such as a missing tensor.
  void reject(Error error);

  // Ops, in the order of ops.h. Shapes are checked against the weights.
  ValueId embed(std::string_view name, WeightId table, float scale = 1);
  ValueId rms_norm(std::string_view name, ValueId x, WeightId weight, float eps);
  ValueId l2_norm(std::string_view name, ValueId x, int64_t n, float eps, float scale = 1);
  ValueId matmul(std::string_view name, ValueId x, WeightId weight, WeightId scale = none,
                 WeightId bias = none);
  ValueId add(std::string_view name, ValueId a, ValueId b);
  ValueId slice(std::string_view name, ValueId x, int64_t stride, int64_t offset, int64_t width);
  ValueId rope(std::string_view name, ValueId x, int64_t head_dim, int32_t table);
  struct AttentionParams {
    int32_t n_head = 0, n_head_kv = 0;
    float scale = 1;
    int32_t window = 0;
    WeightId sinks = none;
  };
  ValueId attention(std::string_view name, ValueId q, ValueId k, ValueId v, const AttentionParams& params);
  ValueId glu(std::string_view name, ValueId gate, ValueId up, Activation activation);
  ValueId sigmoid(std::string_view name, ValueId x);
  ValueId sigmoid_gate(std::string_view name, ValueId x, ValueId gate);
  ValueId softcap(std::string_view name, ValueId x, float cap);
  struct Routing {
    ValueId ids, weights;
  };
  Routing moe_route(std::string_view name, ValueId logits, int64_t n_used, Gating gating);
  ValueId moe_matmul(std::string_view name, ValueId x, ValueId ids, WeightId weight, WeightId scale = none,
                     WeightId bias = none);
  ValueId moe_combine(std::string_view name, ValueId x, ValueId weights);
  ValueId causal_conv(std::string_view name, ValueId x, WeightId kernel);
  ValueId delta_decay(std::string_view name, ValueId alpha, WeightId a, WeightId dt_bias);
  ValueId delta_net(std::string_view name, ValueId q, ValueId k, ValueId v, ValueId g, ValueId beta,
                    const DeltaState& shape);
  ValueId outputs(std::string_view name, ValueId x);

  /// Says that the logits are computed from `x` [outputs, n_embd].
  void hidden(ValueId x) { program_.hidden = x; }

  /// The program whose logits are `logits` [outputs, n_vocab], or the first mistake.
  Result<Program> finish(ValueId logits);

 private:
  using Shape = std::array<int64_t, 4>;

  ValueId value(std::string_view name, Rows rows, int64_t width);
  ValueId like(std::string_view name, ValueId x);  ///< a value of the same shape
  template <class... Args>
  bool require(bool condition, std::string_view name, fmt::format_string<Args...> format, Args&&... args);
  bool known(std::string_view name, std::initializer_list<ValueId> values,
             std::initializer_list<WeightId> weights = {});
  bool per_token(std::string_view name, std::initializer_list<ValueId> values);
  bool operand(std::string_view name, WeightId weight, const Shape& ne,
               bool optional = false);                                   ///< float32 of that shape
  bool matrix(std::string_view name, WeightId weight, const Shape& ne);  ///< of any type that can be decoded
  int64_t width(ValueId v) const { return program_.values[static_cast<size_t>(v)].width; }
  Rows rows(ValueId v) const { return program_.values[static_cast<size_t>(v)].rows; }
  const std::string& name_of(ValueId v) const { return program_.values[static_cast<size_t>(v)].name; }
  const Weight& at(WeightId w) const { return program_.weights[static_cast<size_t>(w)]; }
  template <class T>
  ValueId append(T op);

  Program program_;
  std::unordered_map<std::string, WeightId> weight_ids_;
  std::unordered_map<ValueId, int64_t> n_expert_;  ///< by the ids of a moe_route
  std::string prefix_;
  std::string error_;
};

}  // namespace halcyon::program
