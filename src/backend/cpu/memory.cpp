#include "backend/cpu/memory.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

namespace halcyon::cpu {

using backend::KvType;
using backend::SeqId;

namespace {

// More than any machine maps; sizes stop growing here, so that a product of hostile numbers can't wrap
// around.
constexpr int64_t kTooMuch = int64_t{1} << 48;
constexpr int64_t kMaxBlocks = int64_t{1} << 24;
constexpr int32_t kMaxSequences = 1 << 16;
constexpr int32_t kMaxTaps = 64;
constexpr int32_t kMaxDelta = 4096;

int64_t times(int64_t a, int64_t b) { return a != 0 && b > kTooMuch / a ? kTooMuch : a * b; }
int64_t plus(int64_t a, int64_t b) { return std::min(kTooMuch, a + b); }
int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
int64_t megabytes(int64_t bytes) { return (bytes + 999'999) / 1'000'000; }

int32_t blocks_for(int32_t n_tokens) { return n_tokens / kBlock + (n_tokens % kBlock != 0); }

KvLayer kv_layout(const program::KvCache& cache, KvType type) {
  KvLayer layer{.type = type, .n_head_kv = cache.n_head_kv, .head_dim = cache.head_dim};
  const int64_t element = type == KvType::f32 ? 4 : type == KvType::f16 ? 2 : 1;
  const int64_t groups = (cache.head_dim + kKvGroup - 1) / kKvGroup;
  const int64_t scales = type == KvType::q8_0 ? groups * kBlock * 2 : 0;
  layer.k_scales = round_up(cache.head_dim, 2) * kBlock * element;
  layer.v = layer.k_scales + scales;
  layer.v_scales = layer.v + layer.padded_dim() * kBlock * element;
  layer.head_stride = round_up(layer.v_scales + scales, 64);
  return layer;
}

Result<void> check_shapes(const program::Program& program) {
  for (const auto& [n_head_kv, head_dim] : program.kv_caches)
    if (n_head_kv < 1 || head_dim < 1 || head_dim > kMaxHeadDim)
      return fail("KV cache of {} heads of {}: the CPU backend does heads of 1 to {}", n_head_kv, head_dim,
                  kMaxHeadDim);
  for (const auto& [d_conv, channels] : program.conv_states)
    if (d_conv < 1 || d_conv > kMaxTaps || channels < 1)
      return fail("convolution of {} taps over {} channels: the CPU backend does 1 to {} taps", d_conv,
                  channels, kMaxTaps);
  for (const auto& [n_k, n_v, dk, dv] : program.delta_states)
    if (std::min({n_k, n_v, dk, dv}) < 1 || dk > kMaxKeyDim || std::max(n_v, dv) > kMaxDelta ||
        n_v % n_k != 0)
      return fail(
          "delta net of {} key heads of {} and {} value heads of {}: the CPU backend does key heads of up to "
          "{}, and "
          "as many value heads or a multiple",
          n_k, dk, n_v, dv, kMaxKeyDim);
  return {};
}

}  // namespace

Result<std::unique_ptr<CpuMemory>> CpuMemory::create(const program::Program& program,
                                                     const backend::CompileOptions& options) {
  if (options.n_ctx < 1) return fail("a context of {} tokens: there must be at least 1", options.n_ctx);
  if (options.n_seq < 1 || options.n_seq > kMaxSequences)
    return fail("{} sequences: there can be 1 to {}", options.n_seq, kMaxSequences);
  CHECK_OK(check_shapes(program));

  std::unique_ptr<CpuMemory> memory(new CpuMemory);
  memory->n_ctx_ = options.n_ctx;
  memory->n_seq_ = options.n_seq;
  memory->sequences_.resize(static_cast<size_t>(options.n_seq));
  memory->chunks_.resize(static_cast<size_t>(options.n_seq));
  CHECK_OK(memory->reserve_kv(program, options));
  CHECK_OK(memory->reserve_states(program));
  return memory;
}

Result<void> CpuMemory::reserve_kv(const program::Program& program, const backend::CompileOptions& options) {
  if (program.kv_caches.empty()) return {};
  const int64_t per_seq = round_up(n_ctx_, kBlock) / kBlock;
  const int64_t n_kv = options.n_kv > 0 ? options.n_kv : times(n_ctx_, n_seq_);
  // A sequence may waste almost a block at its end.
  const int64_t n_blocks = std::min(per_seq * n_seq_, (n_kv + n_ctx_ - 1) / n_ctx_ * per_seq);
  int64_t block_bytes = 0;
  std::vector<int64_t> offsets;
  for (const program::KvCache& cache : program.kv_caches) {
    kv_layers_.push_back(kv_layout(cache, options.kv));
    offsets.push_back(block_bytes);
    block_bytes = plus(block_bytes, times(kv_layers_.back().head_stride, cache.n_head_kv));
  }
  const int64_t total = times(block_bytes, n_blocks);
  if (per_seq * n_seq_ > kMaxBlocks || total >= kTooMuch)
    return fail("a KV cache of {} tokens is too large; lower the context or the sequences", n_kv);
  auto pages = Pages::reserve_huge(static_cast<uint64_t>(total));
  if (!pages)
    return fail("no {} MB for the KV cache of {} tokens: {}; lower the context or the sequences",
                megabytes(total), n_kv, pages.error().message);
  kv_pages_ = std::move(*pages);
  for (size_t i = 0; i < kv_layers_.size(); ++i)
    kv_layers_[i].data = kv_pages_.data() + offsets[i], kv_layers_[i].block_stride = block_bytes;

  blocks_per_seq_ = static_cast<int32_t>(per_seq);
  tables_.resize(static_cast<size_t>(per_seq * n_seq_));
  references_.resize(static_cast<size_t>(n_blocks));
  free_blocks_.resize(static_cast<size_t>(n_blocks));
  std::iota(free_blocks_.rbegin(), free_blocks_.rend(), 0);  // block 0 is taken first
  return {};
}

Result<void> CpuMemory::reserve_states(const program::Program& program) {
  for (const program::ConvState& shape : program.conv_states) conv_layers_.push_back({.shape = shape});
  for (const program::DeltaState& shape : program.delta_states)
    delta_layers_.push_back({.shape = shape, .chunks = chunks_.data()});
  recurrent_ = !conv_layers_.empty() || !delta_layers_.empty();
  if (!recurrent_) return {};

  std::vector<int64_t> offsets;
  const auto place = [&](const auto& layer) {
    offsets.push_back(state_bytes_);
    state_bytes_ = plus(state_bytes_, round_up(times(layer.floats(), sizeof(float)), 64));
  };
  for (const ConvLayer& layer : conv_layers_) place(layer);
  for (const DeltaLayer& layer : delta_layers_) place(layer);
  state_bytes_ = round_up(state_bytes_, 4096);

  const int64_t total = times(state_bytes_, n_seq_);
  const std::string_view remedy = n_seq_ > 1 ? "lower the sequences" : "the model needs a larger machine";
  if (total >= kTooMuch)
    return fail("the recurrent states of {} sequences are too large; {}", n_seq_, remedy);
  auto pages = Pages::reserve_huge(static_cast<uint64_t>(total));  // every token streams the whole of it
  if (!pages)
    return fail("no {} MB for the recurrent states ({} MB for each sequence): {}; {}", megabytes(total),
                megabytes(state_bytes_), pages.error().message, remedy);
  state_pages_ = std::move(*pages);

  auto offset = offsets.begin();
  const auto bind = [&](auto& layer) {
    layer.data = reinterpret_cast<float*>(state_pages_.data() + *offset++);
    layer.slot_stride = state_bytes_ / static_cast<int64_t>(sizeof(float));
  };
  for (ConvLayer& layer : conv_layers_) bind(layer);
  for (DeltaLayer& layer : delta_layers_) bind(layer);
  return {};
}

const CpuMemory::Sequence* CpuMemory::find(SeqId seq) const {
  if (seq < 0 || seq >= n_seq_) return nullptr;
  const Sequence& s = sequences_[static_cast<size_t>(seq)];
  return s.open ? &s : nullptr;
}

Result<CpuMemory::Sequence*> CpuMemory::known(SeqId seq) {
  if (!find(seq)) return fail("there is no sequence {}", seq);
  return &sequences_[static_cast<size_t>(seq)];
}

bool CpuMemory::has_free_sequence() const {
  return std::ranges::find(sequences_, false, &Sequence::open) != sequences_.end();
}

Result<SeqId> CpuMemory::create() {
  const auto free = std::ranges::find(sequences_, false, &Sequence::open);
  if (free == sequences_.end()) return fail("all {} sequences are in use", n_seq_);
  *free = {};
  free->open = true;
  const auto seq = static_cast<SeqId>(free - sequences_.begin());
  chunks_[static_cast<size_t>(seq)] = 0;  // the state of chunk 0 starts as zeros and is never read
  return seq;
}

void CpuMemory::release(SeqId seq) {
  if (!find(seq)) return;
  drop_blocks(seq, 0);
  sequences_[static_cast<size_t>(seq)] = {};
}

int32_t CpuMemory::length(SeqId seq) const {
  const Sequence* s = find(seq);
  return s ? s->length : 0;
}

Result<SeqId> CpuMemory::fork(SeqId seq) {
  TRY(Sequence * parent, known(seq));
  TRY(const SeqId child, create());
  Sequence& s = sequences_[static_cast<size_t>(child)];
  s.length = parent->length;
  if (blocks_per_seq_ > 0) {
    s.n_blocks = blocks_for(s.length);
    std::copy_n(table(seq), s.n_blocks, table(child));
    for (int32_t i = 0; i < s.n_blocks; ++i) ++references_[static_cast<size_t>(table(child)[i])];
  }
  if (recurrent_ && s.length > 0) {
    chunks_[static_cast<size_t>(child)] = chunks_[static_cast<size_t>(seq)];
    std::memcpy(state_pages_.data() + child * state_bytes_, state_pages_.data() + seq * state_bytes_,
                static_cast<size_t>(state_bytes_));
  }
  return child;
}

// Calls f(floats, bytes) for each part of the sequence's state that positions from the snapshot's chunk to
// its length need: the delta net's state at the start of the chunk and the rows of the chunk's tokens; and
// the convolution's rows under its taps.
template <class F>
void CpuMemory::for_each_part(SeqId seq, const Snapshot& snapshot, F f) const {
  const int32_t start = snapshot.chunk * kBlock, n_rows = snapshot.length - start;
  const auto part = [&](float* data, int64_t n) { f(data, static_cast<size_t>(n) * sizeof(float)); };
  for (const ConvLayer& layer : conv_layers_) {
    const auto [d_conv, channels] = layer.shape;
    float* kept = layer.data + seq * layer.slot_stride;
    for (int32_t pos = std::max(0, start - (d_conv - 1)); pos < snapshot.length; ++pos)
      part(kept + int64_t{pos % layer.n_rows()} * channels, channels);
  }
  for (const DeltaLayer& layer : delta_layers_) {
    float* kept = layer.data + seq * layer.slot_stride;
    for (int32_t unit = 0; unit < layer.n_units(); ++unit)
      part(kept + unit * layer.unit_floats(), int64_t{layer.shape.dk + n_rows} * 16);
    part(kept + layer.k_offset(), int64_t{n_rows} * layer.shape.n_k * layer.shape.dk);
    part(kept + layer.g_offset(), int64_t{n_rows} * layer.shape.n_v);
  }
}

Result<void> CpuMemory::snapshot(SeqId seq) {
  TRY(Sequence * s, known(seq));
  if (!recurrent_ || s->length == 0) return {};
  if (std::ranges::count(s->snapshots, s->length, &Snapshot::length) > 0) return {};
  if (std::ssize(s->snapshots) == kSnapshots) s->snapshots.erase(s->snapshots.begin());
  Snapshot fresh{.length = s->length, .chunk = chunks_[static_cast<size_t>(seq)], .state = {}};
  uint64_t bytes = 0;
  for_each_part(seq, fresh, [&](const float*, size_t n) { bytes += n; });
  auto pages = Pages::reserve(bytes);
  if (!pages)
    return fail("no {} MB for a snapshot of the recurrent state: {}", megabytes(static_cast<int64_t>(bytes)),
                pages.error().message);
  fresh.state = std::move(*pages);
  std::byte* to = fresh.state.data();
  for_each_part(seq, fresh, [&](const float* part, size_t n) { std::memcpy(to, part, n), to += n; });
  s->snapshots.push_back(std::move(fresh));
  return {};
}

// A state of chunk c that has seen `length` tokens stands for every length from 32 c on: later rows are just
// forgotten.
int32_t CpuMemory::reachable(SeqId seq, int32_t n_tokens) const {
  const Sequence* s = find(seq);
  if (!s || n_tokens <= 0) return 0;
  const int32_t wanted = std::min(n_tokens, s->length);
  if (!recurrent_ || wanted >= chunks_[static_cast<size_t>(seq)] * kBlock) return wanted;
  int32_t best = 0;
  for (const Snapshot& snapshot : s->snapshots)
    if (wanted >= snapshot.chunk * kBlock) best = std::max(best, std::min(wanted, snapshot.length));
  return best;
}

Result<void> CpuMemory::truncate(SeqId seq, int32_t n_tokens) {
  TRY(Sequence * s, known(seq));
  if (n_tokens < 0 || n_tokens > s->length)
    return fail("sequence {} has {} tokens and can't be cut to {}", seq, s->length, n_tokens);
  if (const int32_t nearest = reachable(seq, n_tokens); nearest != n_tokens)
    return fail("the recurrent state of sequence {} can't go back to {} tokens; the nearest before it is {}",
                seq, n_tokens, nearest);
  int32_t& chunk = chunks_[static_cast<size_t>(seq)];
  if (n_tokens == 0) {
    chunk = 0;
  } else if (recurrent_ && n_tokens < chunk * kBlock) {
    const auto holds = [&](const Snapshot& snapshot) {
      return snapshot.chunk * kBlock <= n_tokens && n_tokens <= snapshot.length;
    };
    const auto source = std::ranges::find_if(s->snapshots, holds);
    chunk = source->chunk;
    const std::byte* from = source->state.data();
    for_each_part(seq, *source, [&](float* part, size_t n) { std::memcpy(part, from, n), from += n; });
  }
  std::erase_if(s->snapshots, [&](const Snapshot& snapshot) { return snapshot.length > n_tokens; });
  drop_blocks(seq, n_tokens);
  s->length = n_tokens;
  return {};
}

uint64_t CpuMemory::bytes() const {
  uint64_t sum = kv_pages_.size() + state_pages_.size();
  for (const Sequence& sequence : sequences_)
    for (const Snapshot& snapshot : sequence.snapshots) sum += snapshot.state.size();
  return sum;
}

// As grow() would take them: for new positions, and for copies of shared blocks, of which the last sequence
// to write needs none.
bool CpuMemory::fits(std::span<const backend::Segment> segments) const {
  if (blocks_per_seq_ == 0) return true;
  size_t needed = 0;
  std::map<int32_t, int32_t> copies;  // of shared blocks
  for (const backend::Segment& segment : segments) {
    const Sequence* s = find(segment.seq);
    if (!s) continue;  // begin() says so
    const int32_t end = blocks_for(s->length + static_cast<int32_t>(segment.tokens.size()));
    for (int32_t i = s->length / kBlock; i < std::min(end, s->n_blocks); ++i) {
      const int32_t block = table(segment.seq)[i];
      const int32_t references = references_[static_cast<size_t>(block)];
      if (references > 1 && references - copies[block] > 1) ++copies[block], ++needed;
    }
    needed += static_cast<size_t>(std::max(0, end - s->n_blocks));
  }
  return needed <= free_blocks_.size();
}

Result<void> CpuMemory::begin(std::span<const backend::Segment> segments, Step& step) {
  ++n_steps_;
  for (const backend::Segment& segment : segments) {
    TRY(Sequence * s, known(segment.seq));
    if (s->last_step == n_steps_) return fail("sequence {} comes twice in a step", segment.seq);
    s->last_step = n_steps_;
    if (segment.tokens.empty()) return fail("sequence {} has no tokens in this step", segment.seq);
    if (segment.tokens.size() > static_cast<size_t>(n_ctx_ - s->length))
      return fail("sequence {} has {} tokens, and {} more do not fit into the context of {}", segment.seq,
                  s->length, segment.tokens.size(), n_ctx_);
  }
  if (!fits(segments)) return fail("the KV cache of {} tokens is full", references_.size() * kBlock);
  step.segments.clear();
  int32_t row = 0;
  for (const backend::Segment& segment : segments) {
    const auto n_rows = static_cast<int32_t>(segment.tokens.size());
    const int32_t first_pos = length(segment.seq);
    if (blocks_per_seq_ > 0) grow(segment.seq, first_pos, first_pos + n_rows);
    step.segments.push_back({.slot = segment.seq,
                             .first_row = row,
                             .n_rows = n_rows,
                             .first_pos = first_pos,
                             .blocks = table(segment.seq)});
    row += n_rows;
  }
  step.n_tokens = row;
  return {};
}

void CpuMemory::commit(const Step& step) {
  for (const StepSegment& segment : step.segments) {
    int32_t& length = sequences_[static_cast<size_t>(segment.slot)].length;
    length = segment.first_pos + segment.n_rows;
    chunks_[static_cast<size_t>(segment.slot)] = (length - 1) / kBlock;
  }
}

// Gives the sequence blocks of its own for positions from first_pos to end_pos.
void CpuMemory::grow(SeqId seq, int32_t first_pos, int32_t end_pos) {
  Sequence& s = sequences_[static_cast<size_t>(seq)];
  for (int32_t i = first_pos / kBlock; i < blocks_for(end_pos); ++i) {
    int32_t& block = table(seq)[i];
    if (i >= s.n_blocks) {
      block = take_block();
      s.n_blocks = i + 1;
    } else if (int32_t& references = references_[static_cast<size_t>(block)]; references > 1) {
      const int32_t copy = take_block();
      const int64_t bytes = kv_layers_.front().block_stride;
      std::memcpy(kv_pages_.data() + copy * bytes, kv_pages_.data() + block * bytes,
                  static_cast<size_t>(bytes));
      --references;
      block = copy;
    }
  }
}

int32_t CpuMemory::take_block() {
  const int32_t block = free_blocks_.back();
  free_blocks_.pop_back();
  references_[static_cast<size_t>(block)] = 1;
  return block;
}

// Gives back the blocks beyond the first n_tokens positions.
void CpuMemory::drop_blocks(SeqId seq, int32_t n_tokens) {
  Sequence& s = sequences_[static_cast<size_t>(seq)];
  for (; s.n_blocks > blocks_for(n_tokens); --s.n_blocks) {
    const int32_t block = table(seq)[s.n_blocks - 1];
    if (--references_[static_cast<size_t>(block)] == 0) free_blocks_.push_back(block);
  }
}

}  // namespace halcyon::cpu
