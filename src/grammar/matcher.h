// Follows a text through a grammar, byte by byte.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "grammar/grammar.h"
#include "grammar/simulation.h"
#include "grammar/vocabulary.h"

namespace halcyon::grammar {

/// Where a text is in its grammar. A value: copies go on independently of each other. Characters may be cut
/// anywhere. Time and memory are bounded by `limits.h`: a text that needs more states or depth is not
/// accepted.
class Matcher {
 public:
  explicit Matcher(std::shared_ptr<const Grammar> grammar);

  /// Goes on behind `bytes`; false, and nothing changes, if the grammar does not go on like that.
  bool accept(std::string_view bytes);

  /// Whether `accept` would succeed.
  bool allows(std::string_view bytes) const;

  /// The text so far is a whole text of the grammar.
  bool complete() const { return now_.complete; }

  /// It is, and nothing can follow.
  bool finished() const { return now_.complete && now_.states.empty(); }

  /// Since the last `accept` something was refused that the grammar may allow: to find out takes more states
  /// or depth than `limits.h` has.
  bool over_limit() const { return over_limit_; }

  /// Sets the logits [n_tokens] of all tokens that are not allowed to -inf. The last result is kept, so that
  /// it costs little while the state stays the same, as within a string: one thread at a time may call this,
  /// and the vocabulary has to outlive the matcher.
  void mask(const Vocabulary& vocabulary, std::span<float> logits) const;

 private:
  struct Masked;
  StateSet after(std::string_view bytes, Stacks& stacks) const;

  std::shared_ptr<const Grammar> grammar_;
  Stacks stacks_;
  StateSet now_;
  mutable std::shared_ptr<const Masked> masked_;
  mutable bool over_limit_ = false;
};

}  // namespace halcyon::grammar
