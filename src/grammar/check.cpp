// What an automaton must fulfil so that matching ends: no left recursion, no long chains of empty
// repetitions, and an end for everything that begins.
#include <algorithm>

#include "base/quote.h"
#include "grammar/automaton.h"
#include "grammar/limits.h"

namespace halcyon::grammar {
namespace {

using Kind = Node::Kind;

/// Which parts have a way from start to end; `reading` says whether it may read bytes. Linear: a node that
/// waits for the part it calls goes on when that part has reached its end.
std::vector<bool> passable(const Automaton& automaton, bool reading) {
  struct Place {
    NodeId node;
    uint32_t part;
  };
  std::vector<bool> done(automaton.parts.size()), seen(automaton.nodes.size());
  std::vector<std::vector<Place>> waiting(automaton.parts.size());
  std::vector<Place> open;
  for (uint32_t part = 0; part < automaton.parts.size(); ++part)
    open.push_back({automaton.parts[part].start, part});
  while (!open.empty()) {
    const auto [id, part] = open.back();
    open.pop_back();
    const Node& node = automaton.nodes[id];
    if (node.kind == Kind::end) {
      if (done[part]) continue;
      done[part] = true;
      open.insert(open.end(), waiting[part].begin(), waiting[part].end());
      waiting[part].clear();
      continue;
    }
    if (seen[id]) continue;
    seen[id] = true;
    const bool calls = node.kind == Kind::call || (node.kind == Kind::repeat && node.min > 0);
    if (calls && !done[node.target]) {
      waiting[node.target].push_back({node.next, part});
    } else if (node.kind != Kind::bytes || (reading && automaton.sets[node.target].any())) {
      open.push_back({node.next, part});
      if (node.kind == Kind::split) open.push_back({node.target, part});
    }
  }
  return done;
}

/// For each part, the parts that it can call before it reads a byte.
std::vector<std::vector<uint32_t>> first_calls(const Automaton& automaton,
                                               const std::vector<bool>& can_be_empty) {
  std::vector<std::vector<uint32_t>> calls(automaton.parts.size());
  std::vector<bool> seen(automaton.nodes.size());
  std::vector<NodeId> open;
  for (uint32_t part = 0; part < automaton.parts.size(); ++part) {
    open.push_back(automaton.parts[part].start);
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      const Node& node = automaton.nodes[id];
      if (seen[id] || node.kind == Kind::bytes || node.kind == Kind::end) continue;
      seen[id] = true;
      if (node.kind == Kind::split) {
        open.push_back(node.next);
        open.push_back(node.target);
        continue;
      }
      calls[part].push_back(node.target);
      if (can_be_empty[node.target] || (node.kind == Kind::repeat && node.min == 0))
        open.push_back(node.next);
    }
  }
  return calls;
}

/// Parts that call each other in a circle, the first one again at the end; empty if there are none.
std::vector<uint32_t> find_circle(const std::vector<std::vector<uint32_t>>& calls) {
  std::vector<std::vector<uint32_t>> callers(calls.size());
  std::vector<size_t> n_open(calls.size());
  std::vector<uint32_t> leaves;
  for (uint32_t part = 0; part < calls.size(); ++part) {
    n_open[part] = calls[part].size();
    if (n_open[part] == 0) leaves.push_back(part);
    for (const uint32_t called : calls[part]) callers[called].push_back(part);
  }
  while (!leaves.empty()) {
    const uint32_t leaf = leaves.back();
    leaves.pop_back();
    for (const uint32_t caller : callers[leaf])
      if (--n_open[caller] == 0) leaves.push_back(caller);
  }
  // Whatever is left calls something that is left, so that a walk comes back to where it was.
  std::vector<uint32_t> path;
  std::vector<bool> on_path(calls.size());
  for (uint32_t part = 0; part < calls.size(); ++part) {
    if (n_open[part] == 0) continue;
    for (uint32_t at = part; !on_path[at];) {
      on_path[at] = true;
      path.push_back(at);
      for (const uint32_t called : calls[at])
        if (n_open[called] > 0) at = called;
      if (on_path[at]) path.push_back(at);
    }
    path.erase(path.begin(), std::ranges::find(path, path.back()));
    break;
  }
  return path;
}

/// Nodes from which no way leads to the end of their part are dead.
void mark_dead(Automaton& automaton, const std::vector<bool>& has_end) {
  std::vector<std::vector<NodeId>> before(automaton.nodes.size());
  for (NodeId id = 0; id < automaton.nodes.size(); ++id) {
    const Node& node = automaton.nodes[id];
    if (node.kind == Kind::end) continue;
    if (node.kind == Kind::split) before[node.target].push_back(id);
    const bool is_blocked =
        (node.kind == Kind::bytes && automaton.sets[node.target].none()) ||
        ((node.kind == Kind::call || (node.kind == Kind::repeat && node.min > 0)) && !has_end[node.target]);
    if (!is_blocked) before[node.next].push_back(id);
  }
  std::vector<bool> alive(automaton.nodes.size());
  std::vector<NodeId> open{kEnd};
  alive[kEnd] = true;
  while (!open.empty()) {
    const NodeId id = open.back();
    open.pop_back();
    for (const NodeId other : before[id]) {
      if (alive[other]) continue;
      alive[other] = true;
      open.push_back(other);
    }
  }
  for (NodeId id = 0; id < automaton.nodes.size(); ++id)
    if (!alive[id]) automaton.nodes[id].kind = Kind::dead;
}

}  // namespace

Result<void> check(Automaton& automaton, const Rules& rules) {
  const auto rule_of = [&](uint32_t part) -> const Rule& { return rules.list[automaton.parts[part].rule]; };

  const std::vector<bool> can_be_empty = passable(automaton, /*reading=*/false);
  for (Node& node : automaton.nodes) {
    if (node.kind != Kind::repeat || !can_be_empty[node.target]) continue;
    const Rule& rule = rule_of(node.target);
    node.min = 0;
    if (node.max != kUnlimited && node.max > limits::empty_repetitions)
      return fail("{}: rule {} repeats something that can be empty up to {} times, at most {} are allowed",
                  rule.where, quote(rule.name), node.max, limits::empty_repetitions);
  }

  const std::vector<uint32_t> circle = find_circle(first_calls(automaton, can_be_empty));
  if (!circle.empty()) {
    std::string names;
    for (const uint32_t part : circle) {
      if (!names.empty()) names += " -> ";
      names += quote(rule_of(part).name);
      if (names.size() > 400) break;
    }
    const Rule& rule = rule_of(circle.front());
    return fail("{}: left recursion: rule {} can begin with itself: {}", rule.where, quote(rule.name), names);
  }

  const std::vector<bool> has_end = passable(automaton, /*reading=*/true);
  const Rule& root = rules.list[automaton.root];
  if (!has_end[automaton.root])
    return fail("{}: rule {} has no end: there is no text that it accepts", root.where, quote(root.name));
  mark_dead(automaton, has_end);
  return {};
}

}  // namespace halcyon::grammar
