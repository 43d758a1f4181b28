#include "grammar/allowed_tokens.h"

#include <unordered_map>

#include "grammar/limits.h"

namespace halcyon::grammar {
namespace {

struct Hash {
  size_t operator()(const StateSet& set) const {
    uint64_t hash = set.complete;
    for (const State& state : set.states)
      hash = (hash ^ (uint64_t{state.node} << 32 | state.stack)) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
  }
};

/// A deterministic automaton that comes into being as it is used.
class LazyDfa {
 public:
  static constexpr uint32_t kDead = 0;

  LazyDfa(const Automaton& automaton, Stacks& stacks, const StateSet& start)
      : automaton_(automaton), simulation_(automaton, stacks) {
    intern({});
    start_ = intern(start);
  }

  uint32_t start() const { return start_; }
  bool over_limit() const { return over_limit_ || simulation_.over_limit(); }

  uint32_t step(uint32_t from, uint8_t byte) {
    const size_t place = size_t{from} * automaton_.n_classes + automaton_.byte_class[byte];
    if (table_[place] == kUnknown) table_[place] = compute(from, byte);
    return table_[place];
  }

 private:
  static constexpr uint32_t kUnknown = UINT32_MAX;

  uint32_t compute(uint32_t from, uint8_t byte) {
    if (from == kDead) return kDead;
    if (simulation_.work() + table_.size() > limits::mask_work) {
      over_limit_ = true;
      return kDead;
    }
    return intern(simulation_.step(*sets_[from], byte));
  }

  uint32_t intern(StateSet set) {
    const auto [place, is_new] = ids_.try_emplace(std::move(set), static_cast<uint32_t>(sets_.size()));
    if (is_new) {
      sets_.push_back(&place->first);
      table_.resize(table_.size() + automaton_.n_classes, kUnknown);
    }
    return place->second;
  }

  const Automaton& automaton_;
  Simulation simulation_;
  uint32_t start_ = kDead;
  bool over_limit_ = false;
  std::unordered_map<StateSet, uint32_t, Hash> ids_;
  std::vector<const StateSet*> sets_;
  std::vector<uint32_t> table_;  ///< [set, class of the byte]: the next set
};

}  // namespace

AllowedTokens allowed_tokens(const Automaton& automaton, Stacks stacks, const StateSet& from,
                             const Vocabulary& vocabulary) {
  std::vector<uint64_t> allowed((vocabulary.n_tokens() + 63) / 64);
  LazyDfa dfa(automaton, stacks, from);
  std::vector<uint32_t> at_depth(size_t{vocabulary.max_depth()} + 1, dfa.start());
  const std::span nodes = vocabulary.nodes();
  for (size_t i = 0; i < nodes.size();) {
    const Vocabulary::Node& node = nodes[i];
    const uint32_t state = dfa.step(at_depth[node.depth - 1], node.byte);
    if (state == LazyDfa::kDead) {
      i = node.end;
      continue;
    }
    at_depth[node.depth] = state;
    for (const uint32_t token : vocabulary.tokens(i)) allowed[token / 64] |= uint64_t{1} << token % 64;
    ++i;
  }
  return {.bits = std::move(allowed), .over_limit = dfa.over_limit()};
}

}  // namespace halcyon::grammar
