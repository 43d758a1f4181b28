#include "grammar/matcher.h"

#include <algorithm>
#include <limits>

#include "grammar/allowed_tokens.h"

namespace halcyon::grammar {

/// The tokens that a set of states allows.
struct Matcher::Masked {
  const Vocabulary* vocabulary;
  Stacks stacks;
  StateSet states;
  AllowedTokens allowed;
};

Matcher::Matcher(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {
  now_ = Simulation(grammar_->automaton(), stacks_).start();
  stacks_.compact(now_.states);
}

StateSet Matcher::after(std::string_view bytes, Stacks& stacks) const {
  Simulation simulation(grammar_->automaton(), stacks);
  StateSet states = now_;
  for (const char byte : bytes) {
    if (states.empty()) break;
    states = simulation.step(states, static_cast<uint8_t>(byte));
  }
  if (simulation.over_limit()) over_limit_ = true;
  return states;
}

bool Matcher::accept(std::string_view bytes) {
  Stacks stacks = stacks_;
  StateSet states = after(bytes, stacks);
  if (states.empty()) return false;
  stacks.compact(states.states);
  stacks_ = std::move(stacks);
  now_ = std::move(states);
  over_limit_ = false;
  return true;
}

bool Matcher::allows(std::string_view bytes) const {
  Stacks stacks = stacks_;
  return !after(bytes, stacks).empty();
}

void Matcher::mask(const Vocabulary& vocabulary, std::span<float> logits) const {
  const bool is_known =
      masked_ && masked_->vocabulary == &vocabulary && masked_->states == now_ && masked_->stacks == stacks_;
  if (!is_known) {
    masked_ = std::make_shared<const Masked>(
        &vocabulary, stacks_, now_, allowed_tokens(grammar_->automaton(), stacks_, now_, vocabulary));
  }
  if (masked_->allowed.over_limit) over_limit_ = true;
  const std::vector<uint64_t>& allowed = masked_->allowed.bits;
  for (size_t first = 0; first < logits.size(); first += 64) {
    const std::span tokens = logits.subspan(first, std::min<size_t>(64, logits.size() - first));
    const uint64_t bits = first / 64 < allowed.size() ? allowed[first / 64] : 0;
    if (bits == ~uint64_t{0}) continue;
    for (size_t i = 0; i < tokens.size(); ++i)
      if ((bits >> i & 1) == 0) tokens[i] = -std::numeric_limits<float>::infinity();
  }
}

}  // namespace halcyon::grammar
