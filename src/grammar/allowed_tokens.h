// Which tokens of a vocabulary may follow a set of states.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/simulation.h"
#include "grammar/vocabulary.h"

namespace halcyon::grammar {

/// A bit for each token, 64 in a word from the lowest on: whether it is allowed. Walks the trie and, along
/// with it, sets of states, each of which is computed once however many pieces lead to it (a lazy DFA). What
/// more than limits::mask_work would show is not allowed.
std::vector<uint64_t> allowed_tokens(const Automaton& automaton, Stacks stacks, const StateSet& from,
                                     const Vocabulary& vocabulary);

}  // namespace halcyon::grammar
