#include "grammar/rules.h"

namespace halcyon::grammar {

Expr literal(std::string text) {
  Expr out;
  out.kind = Expr::Kind::literal;
  out.text = std::move(text);
  return out;
}

Expr characters(CharSet set) {
  Expr out;
  out.kind = Expr::Kind::characters;
  out.set = std::move(set);
  return out;
}

Expr repeat(Expr part, uint32_t min, uint32_t max) {
  Expr out;
  out.kind = Expr::Kind::repeat;
  out.parts.push_back(std::move(part));
  out.min = min;
  out.max = max;
  return out;
}

Expr optional(Expr part) { return repeat(std::move(part), 0, 1); }

Expr reference(RuleId rule) {
  Expr out;
  out.kind = Expr::Kind::rule;
  out.rule = rule;
  return out;
}

}  // namespace halcyon::grammar
