#include "backend/cpu/executable.h"

#include <exception>
#include <new>

#include "backend/cpu/bind.h"

namespace halcyon::cpu {
Result<std::unique_ptr<Executable>> Executable::create(program::Program program,
                                                       const backend::CompileOptions& options,
                                                       const Kernels& kernels, int32_t n_threads,
                                                       bool exact) try {
  std::unique_ptr<Executable> e(new Executable);
  e->program_ = std::move(program);
  e->options_ = options;
  TRY(e->team_, ThreadTeam::create(n_threads));
  TRY(e->weights_, Weights::load(e->program_, exact, *e->team_, options.progress));
  TRY(e->memory_, CpuMemory::create(e->program_, options));
  TRY(Binding binding, bind(e->program_, options, kernels, e->weights_, *e->memory_, n_threads));
  e->arena_ = std::move(binding.arena);
  e->embeddings_ = std::move(binding.embeddings);
  e->calls_ = std::move(binding.calls);
  e->logits_ = binding.logits;
  e->hidden_ = binding.hidden;
  return e;
} catch (const std::exception& e) {  // std::bad_alloc, or a length that no container has
  return fail("no memory to compile the model ({}): use a smaller context or batch", e.what());
}

Result<void> Executable::prepare(std::span<const backend::Segment> segments) {
  step_.segments.clear();
  step_.tokens.clear();
  step_.output_rows.clear();
  for (const backend::Segment& segment : segments) {
    const auto first = static_cast<int32_t>(step_.tokens.size());
    for (const backend::Token token : segment.tokens) {
      if (token < 0 || token >= program_.n_vocab)
        return fail("token id {} is not in the vocabulary of {}", token, program_.n_vocab);
      step_.tokens.push_back(token);
    }
    const auto end = static_cast<int32_t>(step_.tokens.size());
    if (end == first) continue;
    if (segment.logits == backend::Segment::Logits::last) step_.output_rows.push_back(end - 1);
    if (segment.logits == backend::Segment::Logits::all)
      for (int32_t row = first; row < end; ++row) step_.output_rows.push_back(row);
  }
  step_.n_tokens = static_cast<int32_t>(step_.tokens.size());
  step_.n_outputs = static_cast<int32_t>(step_.output_rows.size());
  if (step_.n_tokens > options_.n_batch)
    return fail("a step of {} tokens is more than n_batch = {}", step_.n_tokens, options_.n_batch);
  if (step_.n_outputs > options_.n_outputs)
    return fail("{} rows of logits are more than n_outputs = {}", step_.n_outputs, options_.n_outputs);

  for (const auto& embedding : embeddings_)
    for (size_t t = 0; t < step_.tokens.size(); ++t)
      CHECK_OK(embedding->table->source->read(
          embedding->table->offset + static_cast<uint64_t>(step_.tokens[t]) * embedding->row_bytes,
          std::span(embedding->rows).subspan(t * embedding->row_bytes, embedding->row_bytes)));

  CHECK_OK(memory_->begin(segments, step_));
  step_.positions.resize(step_.tokens.size());
  for (const StepSegment& segment : step_.segments)
    for (int32_t i = 0; i < segment.n_rows; ++i)
      step_.positions[static_cast<size_t>(segment.first_row) + static_cast<size_t>(i)] =
          segment.first_pos + i;
  return {};
}

std::span<const float> Executable::hidden() const {
  if (!hidden_) return {};
  const int64_t n_embd = program_.values[static_cast<size_t>(program_.hidden)].width;
  return {hidden_, static_cast<size_t>(step_.n_outputs * n_embd)};
}

Result<std::span<const float>> Executable::run(std::span<const backend::Segment> segments) try {
  CHECK_OK(prepare(segments));
  team_->run([this](Part part) {
    for (const Call& call : calls_) {
      if (call.barrier) team_->barrier();
      call.run(step_, part);
    }
  });
  memory_->commit(step_);
  return std::span(logits_, static_cast<size_t>(step_.n_outputs * program_.n_vocab));
} catch (const std::bad_alloc&) {
  return fail("no memory for a step of {} sequences", segments.size());
}

}  // namespace halcyon::cpu
