#include "engine/sequence.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace halcyon::engine {

Result<void> Sequence::rewind(std::span<const Token> prompt) {
  backend::SequenceMemory& memory = executable_.memory();
  if (!id_) {
    TRY(id_, memory.create());
  }
  const auto common = std::ranges::mismatch(tokens_, prompt.first(prompt.size() - 1)).in1 - tokens_.begin();
  const int32_t length = memory.reachable(*id_, static_cast<int32_t>(common));
  CHECK_OK(memory.truncate(*id_, length));
  tokens_.resize(static_cast<size_t>(length));
  return {};
}

Result<std::span<const float>> Sequence::evaluate(std::span<const Token> tokens, bool want_logits) {
  tokens_.reserve(tokens_.size() + tokens.size());  // nothing can fail once the step has been made
  const backend::Segment segment = {
      .seq = *id_,
      .tokens = tokens,
      .logits = want_logits ? backend::Segment::Logits::last : backend::Segment::Logits::none};
  TRY(const std::span<const float> logits, executable_.run({&segment, 1}));
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return logits;
}

void Sequence::snapshot() {
  // Without it a later prompt takes longer; that is no reason to fail this one.
  if (const Result<void> done = executable_.memory().snapshot(*id_); !done)
    spdlog::warn("the state after the prompt is not kept: {}", done.error().message);
}

}  // namespace halcyon::engine
