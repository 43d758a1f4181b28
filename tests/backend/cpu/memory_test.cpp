// What sequences remember, without any kernel: the tests write marks into the blocks and look where they are.
#include "backend/cpu/memory.h"

#include "tests/backend/cpu/ops_support.h"

namespace halcyon::cpu::test {
namespace {

using backend::KvType;
using backend::SeqId;
using ::testing::HasSubstr;

backend::CompileOptions options(int n_ctx, int n_seq) {
  backend::CompileOptions options;
  options.n_ctx = n_ctx;
  options.n_seq = n_seq;
  return options;
}

program::Program attention_model() {
  program::Program program;
  program.kv_caches = {{2, 16}, {1, 40}};
  return program;
}

program::Program recurrent_model() {
  program::Program program = attention_model();
  program.conv_states = {{4, 8}};
  program.delta_states = {{1, 1, 16, 16}};
  return program;
}

std::unique_ptr<CpuMemory> memory_of(const program::Program& program, int n_ctx = 128, int n_seq = 3) {
  auto memory = CpuMemory::create(program, options(n_ctx, n_seq));
  EXPECT_TRUE(memory.has_value()) << memory.error().message;
  return std::move(*memory);
}

void extend(CpuMemory& memory, SeqId seq, int n) {
  run_step(memory, {{seq, 0, n}}, [](const Step&) {});
}

Result<void> try_extend(CpuMemory& memory, std::vector<std::pair<SeqId, int>> wanted) {
  std::vector<backend::Token> tokens(1000);
  std::vector<backend::Segment> segments;
  for (const auto& [seq, n] : wanted)
    segments.push_back({.seq = seq, .tokens = std::span(tokens).first(static_cast<size_t>(n))});
  Step step;
  return memory.begin(segments, step);
}

/// The first value of layer 1 at the last position of a step, as a place to leave marks.
uint16_t& mark(CpuMemory& memory, const StepSegment& segment, int32_t pos) {
  const KvLayer layer = memory.kv(1);
  std::byte* values = layer.head(segment.blocks[pos / kBlock], 0) + layer.v;
  return reinterpret_cast<uint16_t*>(values)[pos % kBlock * layer.padded_dim()];
}

/// Extends a sequence by one token marked `value`, and returns the marks of all its positions from `from` on.
std::vector<uint16_t> extend_marked(CpuMemory& memory, SeqId seq, uint16_t value, int32_t from) {
  std::vector<uint16_t> marks;
  run_step(memory, {{seq, 0, 1}}, [&](const Step& step) {
    const StepSegment& segment = step.segments[0];
    mark(memory, segment, segment.first_pos) = value;
    for (int32_t pos = from; pos <= segment.first_pos; ++pos) marks.push_back(mark(memory, segment, pos));
  });
  return marks;
}

TEST(Sequences, AreCreatedUpToTheLimitAndReused) {
  const auto memory = memory_of(attention_model());
  std::vector<SeqId> all;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(memory->has_free_sequence());
    all.push_back(memory->create().value());
  }
  EXPECT_FALSE(memory->has_free_sequence());
  EXPECT_ERROR(memory->create(), HasSubstr("all 3 sequences are in use"));
  EXPECT_ERROR(memory->fork(all[0]), HasSubstr("all 3 sequences are in use"));
  extend(*memory, all[1], 70);
  memory->release(all[1]);
  EXPECT_TRUE(memory->has_free_sequence());
  EXPECT_EQ(memory->blocks_in_use(), 0);
  const SeqId again = memory->create().value();
  EXPECT_EQ(memory->length(again), 0);
}

TEST(Sequences, UnknownOnesAreErrorsAndHaveNoLength) {
  const auto memory = memory_of(recurrent_model());
  for (const SeqId seq : {-1, 0, 2, 3, 1 << 30}) {
    EXPECT_EQ(memory->length(seq), 0);
    EXPECT_EQ(memory->reachable(seq, 5), 0);
    EXPECT_ERROR(memory->fork(seq), HasSubstr("there is no sequence"));
    EXPECT_ERROR(memory->snapshot(seq), HasSubstr("there is no sequence"));
    EXPECT_ERROR(memory->truncate(seq, 0), HasSubstr("there is no sequence"));
    EXPECT_ERROR(try_extend(*memory, {{seq, 1}}), HasSubstr("there is no sequence"));
    memory->release(seq);
  }
}

TEST(AStep, FitsIntoTheContextOrChangesNothing) {
  const auto memory = memory_of(attention_model(), 100);
  const SeqId a = memory->create().value(), b = memory->create().value();
  extend(*memory, a, 70);
  EXPECT_ERROR(try_extend(*memory, {{b, 40}, {a, 31}}),
               HasSubstr("sequence 0 has 70 tokens, and 31 more do not fit into the context of 100"));
  EXPECT_ERROR(try_extend(*memory, {{b, 1}, {b, 1}}), HasSubstr("sequence 1 comes twice"));
  EXPECT_ERROR(try_extend(*memory, {{b, 0}}), HasSubstr("no tokens"));
  EXPECT_EQ(memory->length(a), 70);
  EXPECT_EQ(memory->length(b), 0);
  EXPECT_EQ(memory->blocks_in_use(), 3);
  extend(*memory, a, 30);
  EXPECT_ERROR(try_extend(*memory, {{a, 1}}), HasSubstr("context"));
}

TEST(AStep, ThatIsNotCommittedLeavesTheLength) {
  const auto memory = memory_of(attention_model());
  const SeqId a = memory->create().value();
  extend(*memory, a, 10);
  ASSERT_OK(try_extend(*memory, {{a, 60}}));
  EXPECT_EQ(memory->length(a), 10);
  extend(*memory, a, 118);
  EXPECT_EQ(memory->length(a), 128);
  EXPECT_EQ(memory->blocks_in_use(), 4);
}

TEST(AStep, TellsWhereEachSegmentIs) {
  const auto memory = memory_of(attention_model());
  const SeqId a = memory->create().value(), b = memory->create().value();
  extend(*memory, b, 31);
  run_step(*memory, {{a, 0, 3}, {b, 0, 2}}, [&](const Step& step) {
    ASSERT_EQ(step.segments.size(), 2u);
    EXPECT_EQ(step.n_tokens, 5);
    EXPECT_EQ(step.segments[1].slot, b);
    EXPECT_EQ(step.segments[1].first_row, 3);
    EXPECT_EQ(step.segments[1].n_rows, 2);
    EXPECT_EQ(step.segments[1].first_pos, 31);
    EXPECT_NE(step.segments[1].blocks[0], step.segments[1].blocks[1]);
  });
}

TEST(Fork, SharesBlocksUntilOneWrites) {
  const auto memory = memory_of(attention_model());
  const SeqId a = memory->create().value();
  extend(*memory, a, 38);
  EXPECT_THAT(extend_marked(*memory, a, 7, 38), testing::ElementsAre(7));
  const SeqId b = memory->fork(a).value();
  EXPECT_EQ(memory->length(b), 39);
  EXPECT_EQ(memory->blocks_in_use(), 2);
  EXPECT_THAT(extend_marked(*memory, b, 8, 38), testing::ElementsAre(7, 8));
  EXPECT_EQ(memory->blocks_in_use(), 3) << "the full block is still shared";
  EXPECT_THAT(extend_marked(*memory, a, 9, 38), testing::ElementsAre(7, 9));
  EXPECT_EQ(memory->blocks_in_use(), 3) << "a writes into what is its own now";
  EXPECT_THAT(extend_marked(*memory, b, 10, 38), testing::ElementsAre(7, 8, 10));
  memory->release(a);
  EXPECT_EQ(memory->blocks_in_use(), 2);
  EXPECT_THAT(extend_marked(*memory, b, 11, 38), testing::ElementsAre(7, 8, 10, 11));
}

TEST(Fork, GoingBackIntoASharedBlockCopiesIt) {
  const auto memory = memory_of(attention_model());
  const SeqId a = memory->create().value();
  extend(*memory, a, 30);
  extend_marked(*memory, a, 1, 30);
  extend_marked(*memory, a, 2, 30);
  const SeqId b = memory->fork(a).value();
  ASSERT_OK(memory->truncate(b, 31));
  EXPECT_THAT(extend_marked(*memory, b, 3, 30), testing::ElementsAre(1, 3));
  EXPECT_THAT(extend_marked(*memory, a, 4, 30), testing::ElementsAre(1, 2, 4));
}

TEST(Fork, NeverRunsOutOfBlocks) {
  const auto memory = memory_of(attention_model(), 65, 3);  // three blocks each
  const SeqId a = memory->create().value();
  extend(*memory, a, 63);
  const SeqId b = memory->fork(a).value(), c = memory->fork(b).value();
  for (const SeqId seq : {a, b, c}) ASSERT_OK(memory->truncate(seq, 20));
  for (const SeqId seq : {c, a, b}) extend(*memory, seq, 45);
  EXPECT_EQ(memory->blocks_in_use(), 9);
}

/// Three sequences of up to 128 tokens share KV memory for 128: four blocks.
std::unique_ptr<CpuMemory> small_pool() {
  backend::CompileOptions small = options(128, 3);
  small.n_kv = 128;
  return CpuMemory::create(attention_model(), small).value();
}

bool fits(const CpuMemory& memory, std::vector<std::pair<SeqId, int>> wanted) {
  const std::vector<backend::Token> tokens(1000);
  std::vector<backend::Segment> segments;
  for (const auto& [seq, n] : wanted)
    segments.push_back({.seq = seq, .tokens = std::span(tokens).first(static_cast<size_t>(n))});
  return memory.fits(segments);
}

TEST(ThePool, IsSharedByAllSequencesAndHasAWholeContextAtLeast) {
  EXPECT_LT(small_pool()->bytes(), memory_of(attention_model(), 128, 3)->bytes() / 2);
  backend::CompileOptions tiny = options(128, 3);
  tiny.n_kv = 1;
  const auto memory = CpuMemory::create(attention_model(), tiny).value();
  extend(*memory, memory->create().value(), 128);
}

TEST(ThePool, WhatDoesNotFitChangesNothing) {
  const auto memory = small_pool();
  const SeqId a = memory->create().value(), b = memory->create().value();
  extend(*memory, a, 70);  // three blocks, the last one with room for 26 more
  EXPECT_TRUE(fits(*memory, {{b, 32}}));
  EXPECT_TRUE(fits(*memory, {{b, 32}, {a, 26}}));
  EXPECT_FALSE(fits(*memory, {{b, 33}}));
  EXPECT_FALSE(fits(*memory, {{a, 27}, {b, 1}}));
  EXPECT_ERROR(try_extend(*memory, {{a, 27}, {b, 1}}), HasSubstr("the KV cache of 128 tokens is full"));
  EXPECT_EQ(memory->length(a), 70);
  EXPECT_EQ(memory->length(b), 0);
  EXPECT_EQ(memory->blocks_in_use(), 3);
  extend(*memory, b, 32);
  EXPECT_FALSE(fits(*memory, {{b, 1}}));
  memory->release(a);
  EXPECT_TRUE(fits(*memory, {{b, 96}}));
  extend(*memory, b, 96);
}

TEST(ThePool, CountsTheCopiesOfSharedBlocks) {
  const auto memory = small_pool();
  const SeqId a = memory->create().value();
  extend(*memory, a, 70);
  const SeqId b = memory->fork(a).value(), c = memory->fork(a).value();
  EXPECT_EQ(memory->blocks_in_use(), 3);
  EXPECT_TRUE(fits(*memory, {{a, 1}})) << "one copy";
  EXPECT_FALSE(fits(*memory, {{a, 1}, {b, 1}})) << "two copies";
  memory->release(c);
  EXPECT_TRUE(fits(*memory, {{a, 1}, {b, 1}})) << "the last one to write needs none";
  EXPECT_FALSE(fits(*memory, {{a, 27}, {b, 1}})) << "a copy and a new block";
  run_step(*memory, {{a, 0, 1}, {b, 0, 1}}, [](const Step&) {});
  EXPECT_EQ(memory->blocks_in_use(), 4);
  EXPECT_TRUE(fits(*memory, {{a, 25}, {b, 25}})) << "each has its own now";
  EXPECT_FALSE(fits(*memory, {{b, 26}}));
}

TEST(ThePool, NeedsNoBlocksForAModelWithoutAttention) {
  program::Program program;
  program.conv_states = {{4, 8}};
  const auto memory = memory_of(program, 64, 1);
  EXPECT_TRUE(fits(*memory, {{memory->create().value(), 64}}));
}

TEST(Truncate, ReachesEveryLengthWithoutRecurrentLayers) {
  const auto memory = memory_of(attention_model());
  const SeqId a = memory->create().value();
  extend(*memory, a, 100);
  EXPECT_EQ(memory->reachable(a, 1000), 100);
  EXPECT_EQ(memory->reachable(a, 33), 33);
  EXPECT_EQ(memory->reachable(a, -5), 0);
  ASSERT_OK(memory->snapshot(a));
  ASSERT_OK(memory->truncate(a, 33));
  EXPECT_EQ(memory->blocks_in_use(), 2);
  ASSERT_OK(memory->truncate(a, 32));
  EXPECT_EQ(memory->blocks_in_use(), 1);
  EXPECT_ERROR(memory->truncate(a, 33), HasSubstr("has 32 tokens and can't be cut to 33"));
  EXPECT_ERROR(memory->truncate(a, -1), HasSubstr("can't be cut"));
  ASSERT_OK(memory->truncate(a, 0));
  EXPECT_EQ(memory->blocks_in_use(), 0);
}

TEST(Truncate, OfARecurrentStateReachesItsChunkTheSnapshotsAndTheStart) {
  const auto memory = memory_of(recurrent_model());
  const SeqId a = memory->create().value();
  extend(*memory, a, 40);
  ASSERT_OK(memory->snapshot(a));  // of the chunk that starts at 32
  extend(*memory, a, 60);          // at 100, in the chunk that starts at 96
  EXPECT_EQ(memory->reachable(a, 99), 99);
  EXPECT_EQ(memory->reachable(a, 96), 96);
  EXPECT_EQ(memory->reachable(a, 95), 40);
  EXPECT_EQ(memory->reachable(a, 33), 33);
  EXPECT_EQ(memory->reachable(a, 31), 0);
  EXPECT_ERROR(memory->truncate(a, 95), HasSubstr("the nearest before it is 40"));
  EXPECT_EQ(memory->length(a), 100);
  ASSERT_OK(memory->truncate(a, 96));
  EXPECT_EQ(memory->reachable(a, 96), 96);
  ASSERT_OK(memory->truncate(a, 40));
  extend(*memory, a, 60);
  EXPECT_EQ(memory->reachable(a, 50), 40) << "the snapshot at the new length stays";
  ASSERT_OK(memory->truncate(a, 35));
  extend(*memory, a, 60);
  EXPECT_EQ(memory->reachable(a, 60), 0) << "but not one that is beyond it";
}

TEST(Truncate, BringsBackTheSnapshotsState) {
  const auto memory = memory_of(recurrent_model());
  const SeqId a = memory->create().value();
  float& value = memory->delta(0).data[a * memory->delta(0).slot_stride];
  for (const int length : {50, 90}) {
    extend(*memory, a, length - memory->length(a));
    value = static_cast<float>(length);
    ASSERT_OK(memory->snapshot(a));
  }
  extend(*memory, a, 38);
  value = 128;
  ASSERT_OK(memory->truncate(a, 88));
  EXPECT_EQ(value, 90);
  ASSERT_OK(memory->truncate(a, 50));
  EXPECT_EQ(value, 50);
  const SeqId b = memory->fork(a).value();
  EXPECT_EQ(memory->delta(0).data[b * memory->delta(0).slot_stride], 50);
  EXPECT_EQ(memory->reachable(b, 10), 0) << "a fork has no snapshots";
}

TEST(Snapshots, TheNewestFewAreKept) {
  const auto memory = memory_of(recurrent_model(), 1024);
  const SeqId a = memory->create().value();
  for (int i = 1; i <= CpuMemory::kSnapshots + 2; ++i) {
    extend(*memory, a, 64);
    memory->delta(0).data[a * memory->delta(0).slot_stride] = static_cast<float>(i);
    ASSERT_OK(memory->snapshot(a));
    ASSERT_OK(memory->snapshot(a));  // again, for nothing
  }
  extend(*memory, a, 64);
  EXPECT_EQ(memory->reachable(a, 2 * 64), 0);
  EXPECT_EQ(memory->reachable(a, 3 * 64), 3 * 64);
  ASSERT_OK(memory->truncate(a, 3 * 64));
  EXPECT_EQ(memory->delta(0).data[a * memory->delta(0).slot_stride], 3);
}

TEST(Snapshots, TakeTheMemoryThatTheirPositionsNeed) {
  program::Program program;
  program.conv_states = {{4, 1024}};
  program.delta_states = {{2, 4, 64, 64}};
  const auto memory = memory_of(program, 1024, 1);
  const uint64_t without = memory->bytes();
  const auto state = static_cast<uint64_t>(memory->conv(0).floats() + memory->delta(0).floats()) * 4;
  const SeqId a = memory->create().value();
  extend(*memory, a, 128);
  ASSERT_OK(memory->snapshot(a));  // the last position of a chunk: all of it
  EXPECT_EQ(memory->bytes(), without + state);
  extend(*memory, a, 1);
  ASSERT_OK(memory->snapshot(a));  // the first of one
  EXPECT_LT(memory->bytes(), without + state + state / 2);
  ASSERT_OK(memory->truncate(a, 128));
  EXPECT_EQ(memory->bytes(), without + state);
  memory->release(a);
  EXPECT_EQ(memory->bytes(), without);
}

TEST(CpuMemory, TakesNoMemoryBeforeItIsUsed) {
  program::Program program;
  program.kv_caches.assign(64, {8, 128});
  const auto memory = memory_of(program, 1 << 18, 1);  // 64 GiB of keys and values
  EXPECT_EQ(memory->bytes(), uint64_t{64} << 30);
  extend(*memory, memory->create().value(), 100);
}

TEST(CpuMemory, AModelWithoutMemoryNeedsNone) {
  const auto memory = memory_of({});
  EXPECT_EQ(memory->bytes(), 0u);
  const SeqId a = memory->create().value();
  extend(*memory, a, 128);
  EXPECT_EQ(memory->length(a), 128);
  ASSERT_OK(memory->truncate(a, 3));
}

TEST(CpuMemory, SizesBeyondTheMachineAreErrors) {
  const auto attempt = [](program::Program program, int n_ctx, int n_seq) {
    return CpuMemory::create(program, options(n_ctx, n_seq));
  };
  constexpr int kMax = std::numeric_limits<int32_t>::max();
  EXPECT_ERROR(attempt(attention_model(), 0, 1), HasSubstr("a context of 0 tokens"));
  EXPECT_ERROR(attempt(attention_model(), 1, 0), HasSubstr("0 sequences"));
  EXPECT_ERROR(attempt(attention_model(), 1, kMax), HasSubstr("sequences"));
  EXPECT_ERROR(attempt(attention_model(), kMax, 65536), HasSubstr("too large"));
  program::Program program;
  program.kv_caches.assign(1000, {kMax, 512});
  EXPECT_ERROR(attempt(program, 1 << 20, 16), HasSubstr("too large"));
  program.kv_caches = {{1 << 14, 512}};
  EXPECT_ERROR(attempt(program, 1 << 22, 1), HasSubstr("MB for the KV cache"));
  program.kv_caches = {{8, 513}};
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("heads of 1 to 512"));
  program.kv_caches = {{0, 64}};
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("0 heads of 64"));
  program = {};
  program.conv_states = {{65, 8}};
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("65 taps"));
  program.conv_states.assign(100000, {64, kMax});
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("recurrent states"));
  program.conv_states.assign(300, {64, kMax});  // 245 TB
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("the model needs a larger machine"));
  EXPECT_ERROR(attempt(program, 1, 2), HasSubstr("lower the sequences"));
  program = {};
  program.delta_states = {{2, 3, 16, 16}};
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("2 key heads of 16 and 3 value heads"));
  program.delta_states = {{1, 1, 257, 16}};
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("key heads of up to 256"));
  program.delta_states = {{1, kMax, 16, kMax}};
  EXPECT_ERROR(attempt(program, 1, 1), HasSubstr("value heads"));
}

}  // namespace
}  // namespace halcyon::cpu::test
