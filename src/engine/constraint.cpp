#include "engine/constraint.h"

namespace halcyon::engine {

bool Constraint::allows(Token token) const {
  if (tokenizer_->is_eog(token)) return matcher_.complete();
  const std::string piece = tokenizer_->piece(token, false);
  return !piece.empty() && matcher_.allows(piece);
}

void Constraint::mask(std::span<float> logits) const {
  std::vector<std::pair<size_t, float>> ends;
  if (matcher_.complete())
    for (const Token token : tokenizer_->eog_tokens())
      if (const auto id = static_cast<size_t>(token); id < logits.size()) ends.emplace_back(id, logits[id]);
  matcher_.mask(*vocabulary_, logits);
  for (const auto& [id, logit] : ends) logits[id] = logit;
}

void Constraint::advance(Token token) { matcher_.accept(tokenizer_->piece(token, false)); }

}  // namespace halcyon::engine
