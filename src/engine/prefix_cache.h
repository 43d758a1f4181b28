// The sequences in the backend's memory: those being worked on, and finished ones that are kept because a
// later prompt may begin like them.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "backend/backend.h"

namespace halcyon::engine {

using backend::Token;

/// A new sequence starts from the known one that it has most in common with: as a fork that shares its KV
/// blocks, or, if that one is kept and nothing of it would be lost, by going on with it. Kept sequences leave
/// when their memory is needed, least recently used first.
///
/// There are few sequences, so that comparing with each of them costs less than keeping a tree of all tokens
/// would; what a tree would share, the forks share block by block.
class PrefixCache {
 public:
  struct Sequence {
    backend::SeqId id = 0;
    std::vector<Token> tokens;  ///< evaluated so far
    bool kept = false;          ///< nobody works on it
  };

  explicit PrefixCache(backend::SequenceMemory& memory) : memory_(memory) {}

  /// A sequence whose tokens are a beginning of `prompt`, and not all of it: logits after the last token are
  /// yet to come. With `reuse` as long a beginning as is known. Fails if the backend has no sequence left;
  /// there is always one while fewer than n_seq are in work. Valid until keep() or drop().
  Result<Sequence*> open(std::span<const Token> prompt, bool reuse);

  /// The work is done: keeps the sequence, and forgets those it makes useless.
  void keep(Sequence* sequence);

  /// Forgets a sequence that was worked on.
  void drop(Sequence* sequence);

  /// Forgets the kept sequence that was not used for the longest time; false if there is none.
  bool evict();

  /// How many tokens of `prompt` would not have to be evaluated.
  int32_t known_prefix(std::span<const Token> prompt) const;

  size_t n_kept() const;

 private:
  using Place = std::list<Sequence>::iterator;
  struct Match {
    Place place;
    int32_t length = 0;
  };
  Match longest(std::span<const Token> prompt);
  int32_t reachable(const Sequence& sequence, std::span<const Token> prompt) const;
  bool evict_other_than(const Sequence* spared);
  Result<Sequence*> add(Result<backend::SeqId> id, std::vector<Token> tokens);

  backend::SequenceMemory& memory_;
  std::list<Sequence> sequences_;  ///< least recently used first
};

}  // namespace halcyon::engine
