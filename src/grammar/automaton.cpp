#include "grammar/automaton.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "grammar/limits.h"

namespace halcyon::grammar {
namespace {

class Compiler {
 public:
  explicit Compiler(const Rules& rules) : rules_(rules) {}

  Result<Automaton> run() {
    const size_t n_rules = rules_.list.size();
    if (n_rules > limits::rules)
      return fail("the grammar has {} rules, at most {} are allowed", n_rules, limits::rules);
    out_.root = rules_.root;
    out_.nodes.emplace_back();  // kEnd
    out_.parts.resize(n_rules);
    for (rule_ = 0; rule_ < n_rules; ++rule_) {
      const NodeId start = emit(rules_.list[rule_].body, kEnd);
      out_.parts[rule_] = {start, rule_};
    }
    if (too_large_) return fail("the grammar is too large: it has more than {} nodes", limits::nodes);
    CHECK_OK(check(out_, rules_));
    classify_bytes();
    return std::move(out_);
  }

 private:
  NodeId add(const Node& node) {
    if (out_.nodes.size() >= limits::nodes) {
      too_large_ = true;
      return kEnd;
    }
    out_.nodes.push_back(node);
    return static_cast<NodeId>(out_.nodes.size() - 1);
  }

  NodeId add_bytes(const ByteSet& set, NodeId next) {
    const auto [place, is_new] = set_ids_.try_emplace(set, static_cast<uint32_t>(out_.sets.size()));
    if (is_new) out_.sets.push_back(set);
    return add({.kind = Node::Kind::bytes, .next = next, .target = place->second});
  }

  NodeId add_split(NodeId first, NodeId second) {
    return add({.kind = Node::Kind::split, .next = first, .target = second});
  }

  /// The node where `expr` starts, after which comes `next`.
  NodeId emit(const Expr& expr, NodeId next) {
    if (too_large_) return kEnd;
    switch (expr.kind) {
      case Expr::Kind::literal:
        for (auto byte = expr.text.rbegin(); byte != expr.text.rend(); ++byte)
          next = add_bytes(ByteSet().set(static_cast<uint8_t>(*byte)), next);
        return next;
      case Expr::Kind::characters:
        return emit_characters(expr.set, next);
      case Expr::Kind::sequence:
        for (auto part = expr.parts.rbegin(); part != expr.parts.rend(); ++part) next = emit(*part, next);
        return next;
      case Expr::Kind::choice:
        return emit_choice(expr, next);
      case Expr::Kind::repeat:
        return emit_repeat(expr, next);
      case Expr::Kind::rule:
        return add({.kind = Node::Kind::call, .next = next, .target = expr.rule});
    }
    return kEnd;
  }

  NodeId emit_choice(const Expr& expr, NodeId next) {
    if (expr.parts.empty()) return add_bytes(ByteSet(), next);
    NodeId start = emit(expr.parts.back(), next);
    for (size_t i = expr.parts.size() - 1; i-- > 0;) start = add_split(emit(expr.parts[i], next), start);
    return start;
  }

  NodeId emit_repeat(const Expr& expr, NodeId next) {
    const Expr& part = expr.parts.front();
    if (expr.max == 0) return next;
    if (expr.max == 1) return expr.min == 1 ? emit(part, next) : add_split(emit(part, next), next);
    if (expr.max == kUnlimited && expr.min <= 1) {
      const NodeId loop = add_split(kEnd, next);
      const NodeId start = emit(part, loop);
      out_.nodes[loop].next = start;
      return expr.min == 0 ? loop : start;
    }
    const NodeId start = emit(part, kEnd);
    out_.parts.push_back({start, rule_});
    const auto body = static_cast<uint32_t>(out_.parts.size() - 1);
    return add({.kind = Node::Kind::repeat, .next = next, .target = body, .min = expr.min, .max = expr.max});
  }

  /// Sequences that end alike share nodes, and those that differ in the first byte only share that one too.
  NodeId emit_characters(const CharSet& set, NodeId next) {
    std::map<std::tuple<ByteRange, NodeId>, NodeId> shared;
    std::map<NodeId, ByteSet> leads;
    for (const ByteSequence& sequence : utf8_sequences(set)) {
      NodeId rest = next;
      for (size_t i = sequence.size() - 1; i > 0; --i) {
        const auto [place, is_new] = shared.try_emplace({sequence[i], rest}, kEnd);
        if (is_new) place->second = add_bytes(range(sequence[i]), rest);
        rest = place->second;
      }
      leads[rest] |= range(sequence.front());
    }
    if (leads.empty()) return add_bytes(ByteSet(), next);
    NodeId start = kEnd;
    bool is_first = true;
    for (const auto& [rest, bytes] : leads) {
      const NodeId lead = add_bytes(bytes, rest);
      start = std::exchange(is_first, false) ? lead : add_split(lead, start);
    }
    return start;
  }

  static ByteSet range(ByteRange bytes) {
    ByteSet out;
    for (unsigned byte = bytes.first; byte <= bytes.last; ++byte) out.set(byte);
    return out;
  }

  /// Refines one class, set by set, until all bytes of a class are in the same sets.
  void classify_bytes() {
    for (const ByteSet& set : out_.sets) {
      std::map<std::pair<uint8_t, bool>, uint8_t> classes;
      for (size_t byte = 0; byte < 256; ++byte) {
        const auto id = static_cast<uint8_t>(classes.size());
        out_.byte_class[byte] = classes.try_emplace({out_.byte_class[byte], set[byte]}, id).first->second;
      }
      out_.n_classes = static_cast<uint32_t>(classes.size());
      if (out_.n_classes == 256) break;
    }
  }

  const Rules& rules_;
  Automaton out_;
  RuleId rule_ = 0;
  bool too_large_ = false;
  std::unordered_map<ByteSet, uint32_t> set_ids_;
};

}  // namespace

Result<Automaton> compile(const Rules& rules) { return Compiler(rules).run(); }

}  // namespace halcyon::grammar
