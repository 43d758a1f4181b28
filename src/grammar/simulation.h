// All the ways in which a text so far can be read, kept at once.
#pragma once

#include <cstdint>
#include <vector>

#include "grammar/automaton.h"

namespace halcyon::grammar {

/// A node that is about to read a byte.
struct State {
  NodeId node = kEnd;
  uint32_t stack = 0;
  auto operator<=>(const State&) const = default;
};

/// What was called and has not ended, as linked lists that share their tails: equal stacks have the same
/// number, 0 is the empty one.
class Stacks {
 public:
  struct Frame {
    NodeId node = kEnd;      ///< where it goes on: behind a call, or at a repetition
    uint32_t iteration = 0;  ///< of a repetition, which one is being read, from 1; 0: a call
    uint32_t below = 0;      ///< the rest of the stack
    bool operator==(const Frame&) const = default;
  };

  /// The stack with `frame` on top; 0 if that is too deep.
  uint32_t push(const Frame& frame);

  const Frame& top(uint32_t stack) const { return entries_[stack].frame; }

  /// Drops what `states` don't need and numbers the rest anew, in the old order.
  void compact(std::vector<State>& states);

  bool operator==(const Stacks&) const = default;

 private:
  struct Entry {
    Frame frame;
    uint32_t depth = 0;
    bool operator==(const Entry&) const = default;
  };

  uint32_t& slot(const Frame& frame);

  std::vector<Entry> entries_{1};
  std::vector<uint32_t> slots_;  ///< a hash table of the entries; 0: free
};

struct StateSet {
  std::vector<State> states;  ///< ascending
  bool complete = false;      ///< the text may end here
  bool empty() const { return states.empty() && !complete; }
  bool operator==(const StateSet&) const = default;
};

/// Goes from set to set of states. The stacks are the caller's, and grow.
class Simulation {
 public:
  Simulation(const Automaton& automaton, Stacks& stacks) : automaton_(automaton), stacks_(stacks) {}

  StateSet start();

  /// The states behind a byte: an empty set if it does not fit, or if they are more than limits::states.
  StateSet step(const StateSet& from, uint8_t byte);

  /// States that were visited so far.
  size_t work() const { return work_; }

  /// Something was left out since it took more states or depth than there may be.
  bool over_limit() const { return over_limit_; }

 private:
  bool visit(const State& state);
  StateSet close();
  void follow(const State& state, StateSet& out);
  void begin(const State& state, uint32_t iteration);

  const Automaton& automaton_;
  Stacks& stacks_;
  std::vector<State> open_;
  std::vector<State> visited_;   ///< a hash table; only the slots of this round count
  std::vector<uint32_t> round_;  ///< of each slot
  uint32_t now_ = 0;
  size_t n_visited_ = 0;
  size_t work_ = 0;
  bool over_limit_ = false;
};

}  // namespace halcyon::grammar
