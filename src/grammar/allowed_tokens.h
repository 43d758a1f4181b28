// Which tokens of a vocabulary may follow a set of states.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/simulation.h"
#include "grammar/vocabulary.h"

namespace halcyon::grammar {

/// `bits` has a bit for each token, 64 in a word from the lowest on: whether it is allowed. Walks the trie
/// and, along with it, sets of states, each of which is computed once however many pieces lead to it (a lazy
/// DFA). What more than limits::mask_work would show is not allowed.
struct AllowedTokens {
  std::vector<uint64_t> bits;
  bool over_limit = false;  ///< some that the grammar allows may be missing
};
AllowedTokens allowed_tokens(const Automaton& automaton, Stacks stacks, const StateSet& from,
                             const Vocabulary& vocabulary);

}  // namespace halcyon::grammar
