// Attention over the paged KV cache, block by block of kBlock positions with an online softmax
// (FlashAttention, arXiv:2205.14135), for every ISA: which rows meet which blocks. The arithmetic of a block
// is in attention_float-inl.h and attention_q8-inl.h.
//
// The result for a token and head is a sum over blocks from the first that it sees to its own, and within a
// block over positions in an order that is fixed: its bits depend on the position alone, not on which rows
// are computed together.
#pragma once

#include "backend/cpu/attention_float-inl.h"
#include "backend/cpu/attention_q8-inl.h"

namespace halcyon::cpu {

namespace attention {

/// Takes a block into rows begin … begin + n - 1, as many at a time as the registers have room for.
template <class S, class Kv>
void take_block(Kv& block, Seen seen, int32_t width, const typename Kv::Queries& queries, Rows& rows,
                int32_t begin, int32_t n) {
  alignas(64) float weights[kRows * kBlock];
  float before[kRows], now[kRows];
  for_each_rows<kTogether<S>>(
      0, n, [&]<int R>(int32_t r) { block.template scores<R>(queries, begin + r, weights + r * kBlock); });
  for_each_rows<16>(0, n, [&]<int R>(int32_t r) {
    weigh<S, R>(seen, rows, begin + r, weights + r * kBlock, before + r, now + r);
  });
  block.set_weights(weights, n);
  for (int32_t r = 0; r < n; ++r)
    if (before[r] != 1)
      for (float *acc = rows.acc + (begin + r) * kRowStride, *end = acc + width; acc < end; acc += 16)
        S::store(acc, S::mul(S::set1(before[r]), S::load(acc)));
  for_each_rows<kTogether<S>>(0, n, [&]<int R>(int32_t r) {
    block.template add_values<R>(weights, r, now, rows.acc + (begin + r) * kRowStride);
  });
}

/// Rows first … first + n - 1 of a segment and KV head, counted through tokens and, within a token, the heads
/// of the group.
template <class S, class Kv>
void attend_rows(const AttentionArgs& args, const StepSegment& segment, int32_t h_kv, int32_t first,
                 int32_t n) {
  const KvLayer& cache = args.cache;
  const int32_t group = args.n_head / cache.n_head_kv, width = cache.padded_dim();
  const auto offset = [&](int32_t r) {  // of row r in q and out
    const int64_t token = segment.first_row + (first + r) / group;
    return (token * args.n_head + h_kv * group + (first + r) % group) * cache.head_dim;
  };
  int32_t pos[kRows];
  typename Kv::Queries queries;
  Rows rows;
  for (int32_t r = 0; r < n; ++r) {
    pos[r] = segment.first_pos + (first + r) / group;
    const float* sink = args.sinks ? args.sinks + h_kv * group + (first + r) % group : nullptr;
    rows.max[r] = sink ? *sink : kNever;
    rows.sum[r] = sink ? 1.0f : 0.0f;
    Kv::set_query(cache, args.q + offset(r), args.scale, r, queries);
    for (int32_t d = 0; d < width; d += 16) S::store(rows.acc + r * kRowStride + d, S::zero());
  }
  const auto first_seen = [&](int32_t at) {
    return args.window > 0 && at >= args.window ? at - args.window + 1 : 0;
  };
  for (int32_t b = first_seen(pos[0]) / kBlock, last = pos[n - 1] / kBlock; b <= last; ++b) {
    const std::byte* head = cache.head(segment.blocks[b], h_kv);
    const std::byte* next = b < last ? cache.head(segment.blocks[b + 1], h_kv) : head;
    const auto seen = [&](int32_t r) -> Seen {
      const int32_t start = first_seen(pos[r]) - b * kBlock, end = pos[r] + 1 - b * kBlock;
      return {start > 0 ? start : 0, smaller(end, kBlock)};
    };
    for (int32_t r = 0, same; r < n; r += same) {
      const Seen part = seen(r);
      same = 1;  // rows that see the same part of the block go together
      while (r + same < n && seen(r + same) == part) ++same;
      if (part.lo >= part.hi) continue;
      Kv block(cache, head, next, part);
      take_block<S>(block, part, width, queries, rows, r, same);
    }
  }
  for (int32_t r = 0; r < n; ++r) {
    float* out = args.out + offset(r);
    for (int32_t d = 0; d < cache.head_dim; d += 16)
      S::store_n(out + d, S::div(S::load(rows.acc + r * kRowStride + d), S::set1(rows.sum[r])),
                 smaller(16, cache.head_dim - d));
  }
}

/// Rows per work item for `threads` threads: fewer than kRows if that divides the work better. Reading a
/// block for an item takes about as long as two rows of arithmetic.
inline int32_t rows_per_item(const AttentionArgs& args, const Step& step, int32_t threads) {
  const int32_t group = args.n_head / args.cache.n_head_kv;
  int32_t best = kRows;
  int64_t best_cost = INT64_MAX;
  for (int32_t rows = kRows; rows >= 1; rows /= 2) {
    int64_t items = 0;
    for (const StepSegment& s : step.segments) items += (int64_t{s.n_rows} * group + rows - 1) / rows;
    const int64_t rounds = (items * args.cache.n_head_kv + threads - 1) / threads;
    if (rounds * (rows + 2) < best_cost) best = rows, best_cost = rounds * (rows + 2);
  }
  return best;
}

template <class S, class Kv>
void attend_all(const AttentionArgs& args, const Step& step, Part part) {
  const int32_t group = args.n_head / args.cache.n_head_kv;
  const int32_t rows = rows_per_item(args, step, part.count);
  // Items are dealt out in turn: those of later positions take longer.
  int64_t item = 0;
  for (const StepSegment& segment : step.segments)
    for (int32_t h = 0; h < args.cache.n_head_kv; ++h)
      for (int32_t first = 0, n = segment.n_rows * group; first < n; first += rows)
        if (item++ % part.count == part.index)
          attend_rows<S, Kv>(args, segment, h, first, smaller(rows, n - first));
}

}  // namespace attention

/// Writes the step's keys and values into the blocks of their sequences.
template <class S>
void store_kv(const AttentionArgs& args, const Step& step, Part part) {
  const KvLayer& cache = args.cache;
  const auto store = [&](std::byte* head, int32_t pos, int64_t from) {
    const float *k = args.k + from, *v = args.v + from;
    switch (cache.type) {
      case backend::KvType::f32:
        return attention::FloatBlock<S, float>::store(k, v, cache, head, pos % kBlock);
      case backend::KvType::f16:
        return attention::FloatBlock<S, uint16_t>::store(k, v, cache, head, pos % kBlock);
      case backend::KvType::q8_0:
        return attention::Q8Block<S>::store(k, v, cache, head, pos % kBlock);
    }
  };
  // A key is spread over as many cache lines as it has elements: all of them are asked for at once.
  const auto ask = [&](std::byte* head, int32_t, int64_t) {
    for (std::byte* line = head; line < head + cache.v; line += 64) __builtin_prefetch(line, 1);
  };
  const auto [begin, end] = part.of(int64_t{cache.n_head_kv} * step.n_tokens);
  const auto for_items = [&](bool first_rows_only, const auto& f) {
    int64_t item = 0;
    for (const StepSegment& segment : step.segments)
      for (int32_t row = 0; row < segment.n_rows; ++row)
        for (int32_t h = 0; h < cache.n_head_kv; ++h, ++item) {
          if (item < begin || item >= end || (first_rows_only && row > 0)) continue;
          const int32_t pos = segment.first_pos + row;
          std::byte* head = cache.head(segment.blocks[pos / kBlock], h);
          f(head, pos, (int64_t{segment.first_row + row} * cache.n_head_kv + h) * cache.head_dim);
        }
  };
  for_items(true, ask);
  for_items(false, store);
}

/// Softmax attention of the step's queries over their sequences, as program::Attention says.
template <class S>
void attend(const AttentionArgs& args, const Step& step, Part part) {
  switch (args.cache.type) {
    case backend::KvType::f32:
      return attention::attend_all<S, attention::FloatBlock<S, float>>(args, step, part);
    case backend::KvType::f16:
      return attention::attend_all<S, attention::FloatBlock<S, uint16_t>>(args, step, part);
    case backend::KvType::q8_0:
      return attention::attend_all<S, attention::Q8Block<S>>(args, step, part);
  }
}

}  // namespace halcyon::cpu
