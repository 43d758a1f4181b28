#include "bench/case_run.h"

#include <algorithm>
#include <bit>

namespace halcyon::bench {
namespace {

/// SplitMix64: numbers that look random and are the same everywhere.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

/// Sequences differ, as those of real requests do: alike they would be routed to the same experts.
backend::Token token_at(size_t sequence, int32_t position, int32_t n_vocab) {
  const uint64_t number = mix(mix(sequence) + static_cast<uint64_t>(position));
  return static_cast<backend::Token>(number % static_cast<uint64_t>(n_vocab));
}

}  // namespace

uint64_t hash_of(std::span<const float> row) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const float x : row) {
    const auto bits = std::bit_cast<uint32_t>(x);
    for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ ((bits >> shift) & 0xFF)) * 0x100000001B3;
  }
  return hash;
}

Result<CaseRun> CaseRun::create(backend::Executable& executable, const Case& c, int32_t n_vocab) {
  CaseRun run(executable, c);
  for (size_t s = 0; s < static_cast<size_t>(c.n_parallel); ++s) {
    TRY(run.sequences_.emplace_back(), executable.memory().create());
    std::vector<backend::Token>& tokens = run.tokens_.emplace_back();
    for (int32_t pos = 0; pos < c.positions(); ++pos) tokens.push_back(token_at(s, pos, n_vocab));
  }
  return run;
}

CaseRun::~CaseRun() {
  for (const backend::SeqId seq : sequences_) executable_->memory().release(seq);
}

int32_t CaseRun::chunk(Case::Kind kind) const {
  return kind == Case::Kind::decode ? 1 : std::max(1, executable_->options().n_batch / case_.n_parallel);
}

backend::StepWork CaseRun::work() const {
  backend::StepWork total;
  const int32_t step = chunk(case_.kind), end = case_.positions();
  std::vector<backend::Stretch> stretches(sequences_.size());
  for (int32_t at = case_.depth; at < end; at += step) {
    const int32_t n = std::min(step, end - at);
    const bool has_output = case_.kind == Case::Kind::decode || at + n == end;
    std::ranges::fill(stretches, backend::Stretch{.first_pos = at, .n_tokens = n, .n_outputs = has_output});
    total += executable_->work(stretches);
  }
  return total;
}

Result<bool> CaseRun::evaluate(int32_t from, int32_t to, Case::Kind kind, bool wants_logits,
                               const std::stop_token& stop, const std::function<void(int32_t)>& after_step) {
  using Logits = backend::Segment::Logits;
  const int32_t step = chunk(kind);
  std::vector<backend::Segment> segments(sequences_.size());
  std::span<const float> rows;
  for (int32_t at = from; at < to; at += step) {
    if (stop.stop_requested()) return false;
    const int32_t n = std::min(step, to - at);
    const bool has_output = wants_logits && (kind == Case::Kind::decode || at + n == to);
    for (size_t s = 0; s < segments.size(); ++s)
      segments[s] = {.seq = sequences_[s],
                     .tokens = std::span(tokens_[s]).subspan(static_cast<size_t>(at), static_cast<size_t>(n)),
                     .logits = has_output ? Logits::last : Logits::none};
    TRY(rows, executable_->run(segments));
    if (after_step) after_step(n * case_.n_parallel);
  }
  if (!rows.empty()) logits_hash_ = hash_of(rows.first(rows.size() / sequences_.size()));
  return true;
}

Result<bool> CaseRun::fill(const std::stop_token& stop) {
  TRY(const bool done, evaluate(0, case_.depth, Case::Kind::prefill, false, stop, {}));
  if (done && case_.depth > 0)
    for (const backend::SeqId seq : sequences_) CHECK_OK(executable_->memory().snapshot(seq));
  return done;
}

Result<bool> CaseRun::run(const std::stop_token& stop, const std::function<void(int32_t)>& after_step,
                          bool one_step) {
  const int32_t end =
      one_step ? std::min(case_.positions(), case_.depth + chunk(case_.kind)) : case_.positions();
  return evaluate(case_.depth, end, case_.kind, true, stop, after_step);
}

Result<void> CaseRun::rewind() {
  for (const backend::SeqId seq : sequences_) CHECK_OK(executable_->memory().truncate(seq, case_.depth));
  return {};
}

}  // namespace halcyon::bench
