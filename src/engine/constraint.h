// Keeps what is generated within a grammar.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "grammar/matcher.h"
#include "grammar/vocabulary.h"
#include "tokenizer/tokenizer.h"

namespace halcyon::engine {

using tokenizer::Token;

/// The tokens that may come next: those whose bytes the grammar takes, and those that end a generation where
/// a text may end. Control tokens have no bytes and never come.
class Constraint {
 public:
  /// `tokenizer` and `vocabulary`, its pieces, have to outlive the constraint.
  Constraint(std::shared_ptr<const grammar::Grammar> grammar, const tokenizer::Tokenizer& tokenizer,
             const grammar::Vocabulary& vocabulary)
      : matcher_(std::move(grammar)), tokenizer_(&tokenizer), vocabulary_(&vocabulary) {}

  bool allows(Token token) const;
  bool ends(Token token) const { return tokenizer_->is_eog(token); }

  /// Sets the logits [n_vocab] of all other tokens to -inf.
  void mask(std::span<float> logits) const;

  /// Goes on behind `token`, which is allowed and does not end the generation.
  void advance(Token token);

  /// The grammar may allow more here than was found out: it is too ambiguous, or nested too deep.
  bool over_limit() const { return matcher_.over_limit(); }

  /// Nothing can follow.
  bool finished() const { return matcher_.finished(); }

 private:
  grammar::Matcher matcher_;
  const tokenizer::Tokenizer* tokenizer_;
  const grammar::Vocabulary* vocabulary_;
};

}  // namespace halcyon::engine
