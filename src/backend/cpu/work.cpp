#include "backend/cpu/work.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/attention.h"

namespace halcyon::cpu {
namespace {

using backend::Stretch;

/// Bytes of the keys and values of one position.
double bytes_per_position(const program::KvCache& cache, backend::KvType type) {
  const double dims = 2.0 * cache.n_head_kv * cache.head_dim;
  if (type == backend::KvType::f32) return 4 * dims;
  if (type == backend::KvType::f16) return 2 * dims;
  const int32_t groups = (cache.head_dim + kKvGroup - 1) / kKvGroup;
  return dims + 2.0 * cache.n_head_kv * groups * 2;  // a float16 for each group
}

/// Positions that a query at `pos` sees.
double seen_from(int32_t pos, int32_t window) { return window > 0 ? std::min(pos + 1, window) : pos + 1; }

class Counter {
 public:
  Counter(const program::Program& program, const Weights& weights, backend::KvType kv,
          std::span<const Stretch> stretches)
      : program_(program), weights_(weights), kv_(kv), stretches_(stretches) {
    for (const Stretch& s : stretches) n_tokens_ += s.n_tokens, n_outputs_ += s.n_outputs;
  }

  backend::StepWork count() {
    for (const program::Op& op : program_.ops) std::visit([this](const auto& o) { add(o); }, op);
    return work_;
  }

 private:
  const program::Value& value(program::ValueId id) const { return program_.values[static_cast<size_t>(id)]; }
  double rows(program::ValueId id) const {
    return value(id).rows == program::Rows::outputs ? n_outputs_ : n_tokens_;
  }

  void add_product(const Matrix& m, double matrices, double rows, program::ValueId out) {
    if (rows == 0) return;
    work_.weight_bytes += static_cast<double>(m.bytes()) * matrices;
    const double macs = rows * static_cast<double>(value(out).width) * static_cast<double>(m.n_in);
    (m.packing->quantized ? work_.int8_macs : work_.float_macs) += macs;
  }

  void add(const program::MatMul& op) { add_product(weights_.matrix(op.weight), 1, rows(op.out), op.out); }

  void add(const program::MoeMatMul& op) {
    const Matrix& m = weights_.matrix(op.weight);
    const auto n = static_cast<double>(m.n_stack), n_used = static_cast<double>(value(op.ids).width);
    // Tokens that choose independently leave out an expert with the probability (1 - n_used / n)^tokens, and
    // most experts are read if none is preferred.
    const double read = n_tokens_ <= 1 ? n_used : n * (1 - std::pow(1 - n_used / n, n_tokens_));
    if (n_tokens_ > 1 && n_used < n) work_.experts_expected = true;
    add_product(m, read, rows(op.out), op.out);
  }

  void add(const program::Attention& op) {
    const program::KvCache& cache = program_.kv_caches[static_cast<size_t>(op.cache)];
    const double macs_per_pair = 2.0 * op.n_head * cache.head_dim;  // q . k, and the weight times v
    for (const Stretch& s : stretches_) {
      const int32_t end = s.first_pos + s.n_tokens;
      for (int32_t pos = s.first_pos; pos < end; ++pos)
        work_.state_macs += macs_per_pair * seen_from(pos, op.window);
      if (s.n_tokens > 0)
        work_.state_bytes +=
            bytes_per_position(cache, kv_) * (seen_from(s.first_pos, op.window) + s.n_tokens - 1);
    }
  }

  /// As the recurrence has it: S^T k, k d^T and S^T q.
  void add(const program::DeltaNet& op) {
    const program::DeltaState& state = program_.delta_states[static_cast<size_t>(op.state)];
    const double elements = static_cast<double>(state.n_v) * state.dk * state.dv;
    work_.state_macs += 3 * elements * n_tokens_;
    work_.state_bytes += elements * sizeof(float) * static_cast<double>(stretches_.size());
  }

  void add(const auto&) {}  // takes next to nothing

  const program::Program& program_;
  const Weights& weights_;
  const backend::KvType kv_;
  const std::span<const Stretch> stretches_;
  double n_tokens_ = 0, n_outputs_ = 0;
  backend::StepWork work_;
};

}  // namespace

backend::StepWork count_work(const program::Program& program, const Weights& weights, backend::KvType kv,
                             std::span<const backend::Stretch> stretches) {
  return Counter(program, weights, kv, stretches).count();
}

}  // namespace halcyon::cpu
