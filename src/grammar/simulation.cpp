#include "grammar/simulation.h"

#include <algorithm>

#include "grammar/limits.h"

namespace halcyon::grammar {
namespace {

uint64_t hash(uint64_t key) { return (key * 0x9E3779B97F4A7C15u) >> 32; }

}  // namespace

/// Where the table has the frame, or has room for it.
uint32_t& Stacks::slot(const Frame& frame) {
  const uint64_t key = uint64_t{frame.node} << 32 | frame.below;
  size_t at = hash(key ^ hash(frame.iteration)) & (slots_.size() - 1);
  while (slots_[at] != 0 && entries_[slots_[at]].frame != frame) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

uint32_t Stacks::push(const Frame& frame) {
  if (entries_.size() * 2 > slots_.size()) {
    slots_.assign(std::max<size_t>(16, slots_.size() * 2), 0);
    for (uint32_t entry = 1; entry < entries_.size(); ++entry) slot(entries_[entry].frame) = entry;
  }
  uint32_t& stack = slot(frame);
  const uint32_t depth = entries_[frame.below].depth + 1;
  if (stack == 0 && depth <= limits::stack_depth) {
    stack = static_cast<uint32_t>(entries_.size());
    entries_.push_back({frame, depth});
  }
  return stack;
}

void Stacks::compact(std::vector<State>& states) {
  std::vector<bool> needed(entries_.size());
  for (const State& state : states)
    for (uint32_t at = state.stack; at != 0 && !needed[at]; at = entries_[at].frame.below) needed[at] = true;
  // What is below has the smaller number, and so is there before it is needed.
  std::vector<uint32_t> renamed(entries_.size());
  Stacks kept;
  for (uint32_t at = 1; at < entries_.size(); ++at) {
    if (!needed[at]) continue;
    Frame frame = entries_[at].frame;
    frame.below = renamed[frame.below];
    renamed[at] = kept.push(frame);
  }
  for (State& state : states) state.stack = renamed[state.stack];
  *this = std::move(kept);
}

StateSet Simulation::start() {
  open_.push_back({automaton_.parts[automaton_.root].start, 0});
  return close();
}

StateSet Simulation::step(const StateSet& from, uint8_t byte) {
  for (const State& state : from.states) {
    const Node& node = automaton_.nodes[state.node];
    if (automaton_.sets[node.target][byte]) open_.push_back({node.next, state.stack});
  }
  work_ += from.states.size();
  return close();
}

/// Notes a state; false if it is known, in this round.
bool Simulation::visit(const State& state) {
  if (n_visited_ * 2 >= visited_.size()) {
    const std::vector<State> before =
        std::exchange(visited_, std::vector<State>(std::max<size_t>(64, visited_.size() * 2)));
    const std::vector<uint32_t> rounds = std::exchange(round_, std::vector<uint32_t>(visited_.size()));
    n_visited_ = 0;
    for (size_t i = 0; i < before.size(); ++i)
      if (rounds[i] == now_) visit(before[i]);
  }
  const uint64_t key = uint64_t{state.node} << 32 | state.stack;
  size_t slot = hash(key) & (visited_.size() - 1);
  for (; round_[slot] == now_; slot = (slot + 1) & (visited_.size() - 1))
    if (visited_[slot] == state) return false;
  visited_[slot] = state;
  round_[slot] = now_;
  ++n_visited_;
  return true;
}

/// Follows the open states until each of them reads a byte or is the end.
StateSet Simulation::close() {
  ++now_;
  n_visited_ = 0;
  StateSet out;
  while (!open_.empty() && n_visited_ <= limits::states) {
    const State state = open_.back();
    open_.pop_back();
    if (visit(state)) follow(state, out);
  }
  work_ += n_visited_;
  if (!open_.empty()) {
    open_.clear();
    over_limit_ = true;
    return {};
  }
  std::ranges::sort(out.states);
  return out;
}

void Simulation::follow(const State& state, StateSet& out) {
  const Node& node = automaton_.nodes[state.node];
  switch (node.kind) {
    case Node::Kind::dead:
      break;
    case Node::Kind::bytes:
      out.states.push_back(state);
      break;
    case Node::Kind::split:
      open_.push_back({node.next, state.stack});
      open_.push_back({node.target, state.stack});
      break;
    case Node::Kind::call:
      begin(state, 0);
      break;
    case Node::Kind::repeat:
      if (node.min == 0) open_.push_back({node.next, state.stack});
      begin(state, 1);
      break;
    case Node::Kind::end: {
      if (state.stack == 0) {
        out.complete = true;
        break;
      }
      const auto [at, iteration, below] = stacks_.top(state.stack);
      if (iteration == 0) {
        open_.push_back({at, below});
        break;
      }
      const Node& repetition = automaton_.nodes[at];
      const bool enough = iteration >= repetition.min;
      if (enough) open_.push_back({repetition.next, below});
      // Without a limit, iterations above the minimum are all alike.
      if (enough && repetition.max == kUnlimited)
        begin({at, below}, iteration);
      else if (iteration < repetition.max)
        begin({at, below}, iteration + 1);
      break;
    }
  }
}

/// Enters the part that the node of `state` calls or repeats. A call that nothing follows leaves no frame, so
/// that right recursion needs no depth.
void Simulation::begin(const State& state, uint32_t iteration) {
  const Node& node = automaton_.nodes[state.node];
  const NodeId start = automaton_.parts[node.target].start;
  if (iteration == 0 && node.next == kEnd) {
    open_.push_back({start, state.stack});
    return;
  }
  const NodeId back = iteration == 0 ? node.next : state.node;
  const uint32_t stack = stacks_.push({back, iteration, state.stack});
  if (stack != 0) {
    open_.push_back({start, stack});
  } else {
    over_limit_ = true;
  }
}

}  // namespace halcyon::grammar
