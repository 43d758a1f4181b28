// A grammar made ready to match: a recursive transition network over bytes. Each rule is a nondeterministic
// finite automaton, as Thompson's construction makes it, whose edges may call other rules.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "grammar/rules.h"

namespace halcyon::grammar {

using NodeId = uint32_t;
using ByteSet = std::bitset<256>;

/// The end of every rule and every repeated part.
inline constexpr NodeId kEnd = 0;

struct Node {
  enum class Kind : uint8_t {
    end,
    dead,    ///< no text leads from here to the end
    bytes,   ///< reads a byte of `sets[target]`, then `next`
    split,   ///< `next` or `target`
    call,    ///< the part `target`, then `next`
    repeat,  ///< the part `target`, `min` to `max` times, then `next`
  };
  Kind kind = Kind::end;
  NodeId next = kEnd;
  uint32_t target = 0;
  uint32_t min = 0;
  uint32_t max = 0;  ///< kUnlimited for no limit
};

/// What can be called: a rule, or the inside of a repetition.
struct Part {
  NodeId start = kEnd;
  RuleId rule = 0;  ///< the rule that it is or belongs to
};

struct Automaton {
  std::vector<Node> nodes;
  std::vector<ByteSet> sets;
  std::vector<Part> parts;  ///< the rules first, in their order
  uint32_t root = 0;        ///< a part

  /// Bytes that no set tells apart have the same class, a number below n_classes.
  std::array<uint8_t, 256> byte_class{};
  uint32_t n_classes = 1;
};

/// Fails for rules that begin with themselves or are too large, and if there is no text that `root` accepts.
Result<Automaton> compile(const Rules& rules);

/// The checks of `compile`. Marks the nodes that are dead, so that whatever matches can still become a whole
/// text.
Result<void> check(Automaton& automaton, const Rules& rules);

}  // namespace halcyon::grammar
