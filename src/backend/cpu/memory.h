// What the CPU backend remembers of its sequences: paged keys and values, and the state of recurrent layers.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/delta_net.h"
#include "backend/cpu/pages.h"
#include "backend/cpu/step.h"

namespace halcyon::cpu {

/// KV blocks of kBlock positions are shared between forks by reference counts, and copied when one of them
/// writes into a shared one. Without recurrent layers every length can be reached and snapshots cost nothing.
/// With them a sequence can go back to any position of its current chunk (of kBlock positions, from the
/// sequence's start), or of a snapshot's up to where that was taken; the newest kSnapshots snapshots of a
/// sequence are kept, and a fork starts without any.
///
/// A step is begin(), all kernels, commit(). Once begin() has succeeded the kernels must run to the end and
/// commit() must follow: recurrent states move on in place.
class CpuMemory final : public backend::SequenceMemory {
 public:
  /// A snapshot can be as large as the state. A chat with one at the end of each prompt needs the newest for
  /// its next turn, and the one before it when the last turn is edited or the template writes it anew.
  static constexpr int kSnapshots = 2;

  /// Reserves address space for n_kv positions, and states of n_seq sequences; memory is taken as positions
  /// are filled. Fails if a shape of the program is beyond the kernels, or the address space beyond the
  /// machine.
  static Result<std::unique_ptr<CpuMemory>> create(const program::Program& program,
                                                   const backend::CompileOptions& options);

  Result<backend::SeqId> create() override;
  void release(backend::SeqId seq) override;
  bool has_free_sequence() const override;
  bool recurrent() const override { return recurrent_; }
  int32_t length(backend::SeqId seq) const override;
  Result<backend::SeqId> fork(backend::SeqId seq) override;
  Result<void> snapshot(backend::SeqId seq) override;
  int32_t reachable(backend::SeqId seq, int32_t n_tokens) const override;
  Result<void> truncate(backend::SeqId seq, int32_t n_tokens) override;

  /// Whether there are KV blocks for the tokens of these segments.
  bool fits(std::span<const backend::Segment> segments) const;

  /// Makes room for the tokens of all segments and describes them in `step.segments`, in the same order, and
  /// `step.n_tokens`; the rest of the step is the caller's. Fails, and changes nothing, if a sequence is
  /// unknown, comes twice, has no tokens or would grow beyond n_ctx, or if the tokens do not fit.
  Result<void> begin(std::span<const backend::Segment> segments, Step& step);

  /// The step's tokens are now part of their sequences.
  void commit(const Step& step);

  /// What the kernels of a layer work on, by index in the program. Valid as long as this object.
  KvLayer kv(int32_t cache) const { return kv_layers_[static_cast<size_t>(cache)]; }
  ConvLayer conv(int32_t state) const { return conv_layers_[static_cast<size_t>(state)]; }
  DeltaLayer delta(int32_t state) const { return delta_layers_[static_cast<size_t>(state)]; }

  /// Bytes for keys, values and states, filled or not, and for the snapshots that there are.
  uint64_t bytes() const;

  /// KV blocks that some sequence holds.
  int64_t blocks_in_use() const { return std::ssize(references_) - std::ssize(free_blocks_); }

 private:
  struct Snapshot {
    int32_t length = 0, chunk = 0;
    Pages state;  // the parts of the state that for_each_part() names, one after the other
  };
  struct Sequence {
    bool open = false;
    uint64_t last_step = 0;
    int32_t length = 0;
    int32_t n_blocks = 0;  // in its block table; more than `length` needs if a step was not committed
    std::vector<Snapshot> snapshots;  // oldest first
  };

  CpuMemory() = default;
  Result<void> reserve_kv(const program::Program& program, const backend::CompileOptions& options);
  Result<void> reserve_states(const program::Program& program);
  const Sequence* find(backend::SeqId seq) const;
  Result<Sequence*> known(backend::SeqId seq);
  int32_t* table(backend::SeqId seq) { return tables_.data() + int64_t{seq} * blocks_per_seq_; }
  const int32_t* table(backend::SeqId seq) const { return tables_.data() + int64_t{seq} * blocks_per_seq_; }
  template <class F>
  void for_each_part(backend::SeqId seq, const Snapshot& snapshot, F f) const;
  void grow(backend::SeqId seq, int32_t first_pos, int32_t end_pos);
  int32_t take_block();
  void drop_blocks(backend::SeqId seq, int32_t n_tokens);

  int32_t n_ctx_ = 0, n_seq_ = 0;
  int32_t blocks_per_seq_ = 0;  // 0: no layer has keys and values
  bool recurrent_ = false;
  std::vector<KvLayer> kv_layers_;
  std::vector<ConvLayer> conv_layers_;
  std::vector<DeltaLayer> delta_layers_;
  Pages kv_pages_, state_pages_;
  int64_t state_bytes_ = 0;  // of one sequence

  std::vector<Sequence> sequences_;
  std::vector<int32_t> chunks_;      // [n_seq] the chunk that each sequence's recurrent state is of
  std::vector<int32_t> tables_;      // [n_seq, blocks_per_seq] block ids
  std::vector<int32_t> references_;  // [blocks]
  std::vector<int32_t> free_blocks_;
  uint64_t n_steps_ = 0;
};

}  // namespace halcyon::cpu
