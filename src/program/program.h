// A model as data: a straight list of ops over values, written once at load by an architecture's recipe (see
// model/) and compiled by a backend (see backend/backend.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.h"
#include "program/ops.h"
#include "quant/type.h"

namespace halcyon::program {

/// How many rows a value has in a step.
enum class Rows {
  tokens,   ///< one for each token of the step
  outputs,  ///< one for each token whose logits are wanted
};

struct Value {
  std::string name;  ///< for people: "blk.0.attn_q"
  Rows rows = Rows::tokens;
  int64_t width = 0;  ///< elements of a row, 4 bytes each
};

/// A tensor in a file, as a backend finds it.
struct Weight {
  std::string name;
  quant::Type type = quant::Type::f32;
  std::array<int64_t, 4> ne{1, 1, 1, 1};  ///< fastest-varying first: {in, out, experts, 1}
  uint64_t offset = 0;                    ///< bytes from the start of `source`
  uint64_t size = 0;                      ///< bytes
  std::shared_ptr<const ByteSource> source;
};

/// Angles of a rotary embedding: pair j turns by position * frequency[j]; cos and sin are multiplied by
/// `magnitude`.
struct RopeTable {
  std::vector<double> frequency;  ///< n_rot / 2
  double magnitude = 1;
  bool interleaved = false;  ///< pairs are (2j, 2j+1), else (j, j + n_rot/2)
  bool operator==(const RopeTable&) const = default;
};

// What a sequence remembers, layer by layer; ops refer to these by index.
struct KvCache {
  int32_t n_head_kv = 0, head_dim = 0;
};
struct ConvState {
  int32_t d_conv = 0;  ///< taps; d_conv - 1 earlier rows are needed
  int32_t channels = 0;
};
struct DeltaState {
  int32_t n_k = 0, n_v = 0, dk = 0, dv = 0;  ///< key heads, value heads, their sizes
};

struct Program {
  std::vector<Value> values;
  std::vector<Weight> weights;
  std::vector<RopeTable> rope_tables;
  std::vector<KvCache> kv_caches;
  std::vector<ConvState> conv_states;
  std::vector<DeltaState> delta_states;
  std::vector<Op> ops;
  ValueId logits = none;  ///< [outputs, n_vocab]
  ValueId hidden = none;  ///< [outputs, n_embd], what the logits are computed from
  int64_t n_vocab = 0;
};

/// A shape as GGUF writes it, without trailing dimensions of 1: "{256, 512}".
std::string to_string(const std::array<int64_t, 4>& ne);

/// The program as text, one line per op, with shapes:
///   blk.0.attn_q [T, 512] = matmul(blk.0.attn_norm, blk.0.attn_q.weight q4_K {256, 512})
std::string to_string(const Program& program);

}  // namespace halcyon::program
