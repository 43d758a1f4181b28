#include "program/builder.h"

#include <algorithm>

namespace halcyon::program {

// ---- operands
// -----------------------------------------------------------------------------------------------------

WeightId Builder::weight(Weight weight) {
  const auto [entry, is_new] =
      weight_ids_.try_emplace(weight.name, static_cast<WeightId>(program_.weights.size()));
  if (is_new) program_.weights.push_back(std::move(weight));
  return entry->second;
}

int32_t Builder::rope_table(RopeTable table) {
  auto& tables = program_.rope_tables;
  const auto found = std::ranges::find(tables, table);
  const auto id = static_cast<int32_t>(found - tables.begin());
  if (found == tables.end()) tables.push_back(std::move(table));
  return id;
}

void Builder::reject(Error error) {
  if (error_.empty()) error_ = std::move(error.message);
}

// ---- checks: the first one that fails is kept
// ------------------------------------------------------------------------

template <class... Args>
bool Builder::require(bool condition, std::string_view name, fmt::format_string<Args...> format,
                      Args&&... args) {
  if (!condition) {
    reject({fmt::format("{}{}: {}", prefix_, name, fmt::format(format, std::forward<Args>(args)...))});
  }
  return condition;
}

bool Builder::known(std::string_view name, std::initializer_list<ValueId> values,
                    std::initializer_list<WeightId> weights) {
  if (!error_.empty()) return false;
  const auto within = [](size_t n) {
    return [n](int32_t id) { return id >= 0 && static_cast<size_t>(id) < n; };
  };
  return require(std::ranges::all_of(values, within(program_.values.size())), name,
                 "reads a value that is not there") &&
         require(std::ranges::all_of(weights, within(program_.weights.size())), name, "a weight is missing");
}

bool Builder::per_token(std::string_view name, std::initializer_list<ValueId> values) {
  return std::ranges::all_of(values, [&](ValueId v) {
    return require(rows(v) == Rows::tokens, name, "{} must have a row for every token", name_of(v));
  });
}

bool Builder::matrix(std::string_view name, WeightId weight, const Shape& ne) {
  const Weight& w = at(weight);
  const quant::Traits& traits = quant::traits(w.type);
  return require(traits.decode != nullptr, name, "{} has type {}, which Halcyon cannot run", w.name,
                 traits.name) &&
         require(w.ne == ne, name, "{} has shape {}, expected {}", w.name, to_string(w.ne), to_string(ne)) &&
         require(ne[0] > 0 && ne[0] % traits.block == 0, name,
                 "{} has rows of {} elements, not a multiple of the {} of a {} block", w.name, ne[0],
                 traits.block, traits.name);
}

bool Builder::operand(std::string_view name, WeightId weight, const Shape& ne, bool optional) {
  if (weight == none) return require(optional, name, "a weight is missing");
  if (!known(name, {}, {weight})) return false;
  const Weight& w = at(weight);
  return require(w.type == quant::Type::f32, name, "{} has type {}, expected f32", w.name,
                 quant::name_of(w.type)) &&
         require(w.ne == ne, name, "{} has shape {}, expected {}", w.name, to_string(w.ne), to_string(ne));
}

ValueId Builder::value(std::string_view name, Rows rows, int64_t width) {
  program_.values.push_back({prefix_ + std::string(name), rows, width});
  return static_cast<ValueId>(program_.values.size()) - 1;
}

ValueId Builder::like(std::string_view name, ValueId x) { return value(name, rows(x), width(x)); }

template <class T>
ValueId Builder::append(T op) {
  const ValueId out = op.out;
  program_.ops.push_back(std::move(op));
  return out;
}

// ---- ops
// --------------------------------------------------------------------------------------------------------------

ValueId Builder::embed(std::string_view name, WeightId table, float scale) {
  if (!known(name, {}, {table})) return none;
  const Shape ne = at(table).ne;
  if (!matrix(name, table, {ne[0], ne[1], 1, 1})) return none;
  return append(Embed{.table = table, .scale = scale, .out = value(name, Rows::tokens, ne[0])});
}

ValueId Builder::rms_norm(std::string_view name, ValueId x, WeightId weight, float eps) {
  if (!known(name, {x}, {weight})) return none;
  const int64_t n = at(weight).ne[0];
  if (!operand(name, weight, {n, 1, 1, 1}) ||
      !require(n > 0 && width(x) % n == 0, name, "{} has width {}, not a multiple of the {} elements of {}",
               name_of(x), width(x), n, at(weight).name)) {
    return none;
  }
  return append(RmsNorm{.x = x, .weight = weight, .eps = eps, .out = like(name, x)});
}

ValueId Builder::l2_norm(std::string_view name, ValueId x, int64_t n, float eps, float scale) {
  if (!known(name, {x}) || !require(n > 0 && width(x) % n == 0, name, "{} has width {}, not a multiple of {}",
                                    name_of(x), width(x), n)) {
    return none;
  }
  return append(L2Norm{.x = x, .n = n, .eps = eps, .scale = scale, .out = like(name, x)});
}

ValueId Builder::matmul(std::string_view name, ValueId x, WeightId weight, WeightId scale, WeightId bias) {
  if (!known(name, {x}, {weight})) return none;
  const int64_t n_out = at(weight).ne[1];
  if (!matrix(name, weight, {width(x), n_out, 1, 1}) || !operand(name, scale, {1, 1, 1, 1}, true) ||
      !operand(name, bias, {n_out, 1, 1, 1}, true)) {
    return none;
  }
  return append(
      MatMul{.x = x, .weight = weight, .scale = scale, .bias = bias, .out = value(name, rows(x), n_out)});
}

ValueId Builder::add(std::string_view name, ValueId a, ValueId b) {
  if (!known(name, {a, b}) || !require(width(a) == width(b) && rows(a) == rows(b), name,
                                       "{} has width {} and {} has width {}, or other rows", name_of(a),
                                       width(a), name_of(b), width(b))) {
    return none;
  }
  return append(Add{.a = a, .b = b, .out = like(name, a)});
}

ValueId Builder::slice(std::string_view name, ValueId x, int64_t stride, int64_t offset, int64_t width_) {
  if (!known(name, {x}) ||
      !require(stride > 0 && offset >= 0 && width_ > 0 && offset + width_ <= stride && width(x) % stride == 0,
               name, "elements {} to {} of groups of {} in {}, which has width {}", offset, offset + width_,
               stride, name_of(x), width(x))) {
    return none;
  }
  return append(Slice{.x = x,
                      .stride = stride,
                      .offset = offset,
                      .width = width_,
                      .out = value(name, rows(x), width(x) / stride * width_)});
}

ValueId Builder::rope(std::string_view name, ValueId x, int64_t head_dim, int32_t table) {
  if (!known(name, {x}) || !per_token(name, {x}) ||
      !require(table >= 0 && static_cast<size_t>(table) < program_.rope_tables.size(), name,
               "no rope table {}", table)) {
    return none;
  }
  const auto n_rot = 2 * std::ssize(program_.rope_tables[static_cast<size_t>(table)].frequency);
  if (!require(head_dim > 0 && width(x) % head_dim == 0 && n_rot <= head_dim, name,
               "rotates {} dimensions of heads of {} in {}, which has width {}", n_rot, head_dim, name_of(x),
               width(x))) {
    return none;
  }
  return append(Rope{.x = x, .head_dim = head_dim, .table = table, .out = like(name, x)});
}

ValueId Builder::attention(std::string_view name, ValueId q, ValueId k, ValueId v,
                           const AttentionParams& params) {
  const auto [n_head, n_head_kv, scale, window, sinks] = params;
  if (!known(name, {q, k, v}) || !per_token(name, {q, k, v}) ||
      !require(n_head > 0 && n_head_kv > 0 && n_head % n_head_kv == 0, name,
               "{} query heads cannot share {} key and value heads evenly", n_head, n_head_kv) ||
      !require(width(q) % n_head == 0 && width(k) == width(q) / n_head * n_head_kv && width(v) == width(k),
               name, "q has width {} for {} heads, k has {} and v has {} for {}", width(q), n_head, width(k),
               width(v), n_head_kv) ||
      !require(window >= 0, name, "window of {} positions", window) ||
      !operand(name, sinks, {n_head, 1, 1, 1}, true)) {
    return none;
  }
  auto& caches = program_.kv_caches;
  caches.push_back({.n_head_kv = n_head_kv, .head_dim = static_cast<int32_t>(width(q) / n_head)});
  return append(Attention{.q = q,
                          .k = k,
                          .v_ = v,
                          .cache = static_cast<int32_t>(caches.size()) - 1,
                          .n_head = n_head,
                          .scale = scale,
                          .window = window,
                          .sinks = sinks,
                          .out = like(name, q)});
}

ValueId Builder::glu(std::string_view name, ValueId gate, ValueId up, Activation activation) {
  if (!known(name, {gate, up}) || !require(width(gate) == width(up) && rows(gate) == rows(up), name,
                                           "gate {} has width {} and up {} has width {}, or other rows",
                                           name_of(gate), width(gate), name_of(up), width(up))) {
    return none;
  }
  return append(Glu{.gate = gate, .up = up, .activation = activation, .out = like(name, gate)});
}

ValueId Builder::sigmoid(std::string_view name, ValueId x) {
  if (!known(name, {x})) return none;
  return append(Sigmoid{.x = x, .out = like(name, x)});
}

ValueId Builder::sigmoid_gate(std::string_view name, ValueId x, ValueId gate) {
  if (!known(name, {x, gate}) ||
      !require((width(gate) == width(x) || width(gate) == 1) && rows(gate) == rows(x), name,
               "gate {} has width {}, expected 1 or {}, and the same rows", name_of(gate), width(gate),
               width(x))) {
    return none;
  }
  return append(SigmoidGate{.x = x, .gate = gate, .out = like(name, x)});
}

ValueId Builder::softcap(std::string_view name, ValueId x, float cap) {
  if (!known(name, {x}) || !require(cap > 0, name, "cap of {}", cap)) return none;
  return append(Softcap{.x = x, .cap = cap, .out = like(name, x)});
}

Builder::Routing Builder::moe_route(std::string_view name, ValueId logits, int64_t n_used, Gating gating) {
  if (!known(name, {logits}) || !per_token(name, {logits}) ||
      !require(n_used > 0 && n_used <= width(logits), name, "uses {} of {} experts", n_used, width(logits))) {
    return {none, none};
  }
  const MoeRoute op{.logits = logits,
                    .gating = gating,
                    .ids = value(std::string(name) + "_ids", Rows::tokens, n_used),
                    .weights = value(std::string(name) + "_weights", Rows::tokens, n_used)};
  program_.ops.push_back(op);
  n_expert_[op.ids] = width(logits);
  return {op.ids, op.weights};
}

ValueId Builder::moe_matmul(std::string_view name, ValueId x, ValueId ids, WeightId weight, WeightId scale,
                            WeightId bias) {
  if (!known(name, {x, ids}, {weight}) || !per_token(name, {x, ids})) return none;
  const auto [n_in, n_out, n_expert, one] = at(weight).ne;
  const auto router = n_expert_.find(ids);
  if (!require(router != n_expert_.end() && router->second == n_expert, name,
               "{} has {} experts, which is not what {} was routed to", at(weight).name, n_expert,
               name_of(ids)) ||
      !require(width(x) == n_in || width(x) == n_in * width(ids), name,
               "{} has width {}, expected {} or {} times that", name_of(x), width(x), n_in, width(ids)) ||
      !matrix(name, weight, {n_in, n_out, n_expert, 1}) || !operand(name, scale, {n_expert, 1, 1, 1}, true) ||
      !operand(name, bias, {n_out, n_expert, 1, 1}, true)) {
    return none;
  }
  return append(MoeMatMul{.x = x,
                          .ids = ids,
                          .weight = weight,
                          .scale = scale,
                          .bias = bias,
                          .out = value(name, Rows::tokens, width(ids) * n_out)});
}

ValueId Builder::moe_combine(std::string_view name, ValueId x, ValueId weights) {
  if (!known(name, {x, weights}) || !per_token(name, {x, weights}) ||
      !require(width(x) % width(weights) == 0, name, "{} has width {}, not a multiple of {} slots",
               name_of(x), width(x), width(weights))) {
    return none;
  }
  return append(
      MoeCombine{.x = x, .weights = weights, .out = value(name, Rows::tokens, width(x) / width(weights))});
}

ValueId Builder::causal_conv(std::string_view name, ValueId x, WeightId kernel) {
  if (!known(name, {x}, {kernel}) || !per_token(name, {x})) return none;
  const int64_t d_conv = at(kernel).ne[0];
  if (!operand(name, kernel, {d_conv, width(x), 1, 1})) return none;
  auto& states = program_.conv_states;
  states.push_back({.d_conv = static_cast<int32_t>(d_conv), .channels = static_cast<int32_t>(width(x))});
  return append(CausalConv{
      .x = x, .kernel = kernel, .state = static_cast<int32_t>(states.size()) - 1, .out = like(name, x)});
}

ValueId Builder::delta_decay(std::string_view name, ValueId alpha, WeightId a, WeightId dt_bias) {
  if (!known(name, {alpha}, {a, dt_bias}) || !operand(name, a, {width(alpha), 1, 1, 1}) ||
      !operand(name, dt_bias, {width(alpha), 1, 1, 1})) {
    return none;
  }
  return append(DeltaDecay{.alpha = alpha, .a = a, .dt_bias = dt_bias, .out = like(name, alpha)});
}

ValueId Builder::delta_net(std::string_view name, ValueId q, ValueId k, ValueId v, ValueId g, ValueId beta,
                           const DeltaState& shape) {
  const auto [n_k, n_v, dk, dv] = shape;
  if (!known(name, {q, k, v, g, beta}) || !per_token(name, {q, k, v, g, beta}) ||
      !require(n_k > 0 && n_v > 0 && dk > 0 && dv > 0 && n_v % n_k == 0, name,
               "{} value heads of {} cannot share {} key heads of {} evenly", n_v, dv, n_k, dk)) {
    return none;
  }
  const int64_t key = int64_t{n_k} * dk, value_dim = int64_t{n_v} * dv;
  if (!require(width(q) == key && width(k) == key && width(v) == value_dim, name,
               "q, k and v have widths {}, {} and {}, expected {}, {} and {}", width(q), width(k), width(v),
               key, key, value_dim) ||
      !require(width(g) == n_v && width(beta) == n_v, name,
               "decay and beta have widths {} and {}, expected {}", width(g), width(beta), n_v)) {
    return none;
  }
  auto& states = program_.delta_states;
  states.push_back(shape);
  return append(DeltaNet{.q = q,
                         .k = k,
                         .v_ = v,
                         .g = g,
                         .beta = beta,
                         .state = static_cast<int32_t>(states.size()) - 1,
                         .out = like(name, v)});
}

ValueId Builder::outputs(std::string_view name, ValueId x) {
  if (!known(name, {x}) || !per_token(name, {x})) return none;
  return append(Outputs{.x = x, .out = value(name, Rows::outputs, width(x))});
}

Result<Program> Builder::finish(ValueId logits) {
  if (known("logits", {logits})) {
    require(rows(logits) == Rows::outputs, "logits", "{} must have a row for every wanted output",
            name_of(logits));
  }
  if (!error_.empty()) return std::unexpected(Error{std::move(error_)});
  program_.logits = logits;
  program_.n_vocab = width(logits);
  return std::move(program_);
}

}  // namespace halcyon::program
