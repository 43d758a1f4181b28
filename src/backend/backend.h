// What the engine sees of a device: it compiles a Program into an Executable, which holds the weights and the
// memory of the sequences, and runs steps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "program/program.h"

namespace halcyon::backend {

using Token = int32_t;
using SeqId = int32_t;

enum class KvType { f16, f32, q8_0 };

struct CompileOptions {
  int32_t n_ctx = 4096;  ///< positions that one sequence may have
  int32_t n_seq = 1;     ///< sequences that may exist at once
  int64_t n_kv = 0;  ///< positions that there is KV memory for, shared by all sequences (0: n_seq * n_ctx)
  int32_t n_batch = 256;  ///< tokens that one step may have
  int32_t n_outputs = 8;  ///< logit rows that one step may want
  KvType kv = KvType::f16;
  std::function<void(double)> progress;  ///< told the fraction of the weights that are loaded, 0 to 1
};

/// What is remembered of each sequence: KV blocks, and the recurrent state of linear attention.
///
/// Keys and values can be cut at any position. A recurrent state can't be undone: it can go back within its
/// current chunk of positions, or to a snapshot. reachable() says where.
class SequenceMemory {
 public:
  virtual ~SequenceMemory() = default;

  /// A new, empty sequence. Fails if there are n_seq already.
  virtual Result<SeqId> create() = 0;
  virtual void release(SeqId seq) = 0;
  virtual bool has_free_sequence() const = 0;   ///< whether create and fork have one
  virtual int32_t length(SeqId seq) const = 0;  ///< positions evaluated so far

  /// A new sequence with the same past; KV blocks are shared until one of the two writes into them.
  virtual Result<SeqId> fork(SeqId seq) = 0;

  /// Whether there is a recurrent state. A fork starts without its parent's snapshots.
  virtual bool recurrent() const = 0;

  /// Remembers the present state, so that truncate can come back to it. Without recurrent layers there is
  /// nothing to do.
  virtual Result<void> snapshot(SeqId seq) = 0;

  /// The largest length not above `n_tokens` that truncate can reach.
  virtual int32_t reachable(SeqId seq, int32_t n_tokens) const = 0;

  /// Forgets all positions from `n_tokens` on, and the snapshots among them. Fails, and changes nothing, if
  /// that length can't be reached.
  virtual Result<void> truncate(SeqId seq, int32_t n_tokens) = 0;
};

/// Consecutive tokens of one sequence, which continue it.
struct Segment {
  SeqId seq = 0;
  std::span<const Token> tokens;
  enum class Logits { none, last, all } logits = Logits::last;
};

/// Consecutive tokens that a step evaluates of one sequence, without saying which.
struct Stretch {
  int32_t first_pos = 0;  ///< position of the first one in its sequence
  int32_t n_tokens = 0;
  int32_t n_outputs = 0;  ///< rows of logits that it wants
};

/// What steps have to read and to multiply, counted from the shapes of the program. Kernels that read
/// something twice, or find it in a cache, change nothing here.
struct StepWork {
  double weight_bytes = 0;  ///< of matrices as they lie in memory, each once a step; rows of embedding tables
                            ///< are left out
  bool experts_expected = false;  ///< several tokens share the experts of a step: weight_bytes has as many as
                                  ///< are chosen on average if all are equally likely, and no more can be
  double state_bytes = 0;         ///< of keys, values and recurrent states, once for each sequence and step
  double int8_macs = 0;   ///< multiply-adds of matrices of quantised types, whose activations are int8
  double float_macs = 0;  ///< of matrices of float types
  double state_macs = 0;  ///< of attention and of recurrent states, in float32

  double bytes() const { return weight_bytes + state_bytes; }
  double macs() const { return int8_macs + float_macs + state_macs; }

  StepWork& operator+=(const StepWork& more) {
    weight_bytes += more.weight_bytes, state_bytes += more.state_bytes;
    experts_expected = experts_expected || more.experts_expected;
    int8_macs += more.int8_macs, float_macs += more.float_macs, state_macs += more.state_macs;
    return *this;
  }
};

/// Not for several threads at once.
class Executable {
 public:
  virtual ~Executable() = default;

  virtual SequenceMemory& memory() = 0;

  /// Evaluates all segments (each sequence at most once) and returns the wanted logits, [outputs, n_vocab] in
  /// the order of the segments; they stay valid until the next run. The logits of a sequence do not depend,
  /// in any bit, on what else is in the step or on how its tokens are divided into steps. On failure no
  /// sequence has changed.
  virtual Result<std::span<const float>> run(std::span<const Segment> segments) = 0;

  /// Whether there is KV memory for the tokens of these segments; run() fails without.
  virtual bool fits(std::span<const Segment> segments) const = 0;

  /// What the logits of the last run were computed from, [outputs, n_embd]: the last layer's output,
  /// normalised. Valid until the next run.
  virtual std::span<const float> hidden() const = 0;

  virtual const CompileOptions& options() const = 0;
  virtual uint64_t weight_bytes() const = 0;  ///< held in memory for the weights

  /// The work of one step that evaluates these.
  virtual StepWork work(std::span<const Stretch> stretches) const = 0;
};

struct DeviceInfo {
  std::string name;     ///< "AMD Ryzen AI MAX+ 395"
  std::string driver;   ///< what runs the kernels: "cpu avx512"
  uint64_t memory = 0;  ///< bytes that models can really use
  int32_t threads = 0;  ///< CPU threads that take part in a step
};

/// How fast something could be at best, measured.
struct Limit {
  double per_second = 0;
  std::string how;  ///< by which instruction and layout of the loop
};
struct Limits {
  Limit read;                      ///< bytes from memory, one after the other
  Limit int8_macs;                 ///< multiply-adds of bytes
  Limit float_macs;                ///< of float32
  std::optional<Limit> bf16_macs;  ///< of bfloat16; empty: there is no instruction for that
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;

  /// Finds out what all its threads together could do, the best of several layouts, in about `seconds`. Must
  /// not be called while something runs.
  virtual Result<Limits> measure_limits(double seconds) = 0;

  /// Loads the weights and binds a kernel to every op. Fails with the name of an op, a format or a size it
  /// can't do.
  virtual Result<std::unique_ptr<Executable>> compile(program::Program program,
                                                      const CompileOptions& options) = 0;
};

}  // namespace halcyon::backend
