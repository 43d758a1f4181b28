// A grammar as GBNF, schemas and patterns are read into it: rules, whose bodies are expressions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/characters.h"

namespace halcyon::grammar {

inline constexpr uint32_t kUnlimited = UINT32_MAX;

using RuleId = uint32_t;

/// An expression. Without parts, a sequence is the empty text, and a choice is nothing at all.
struct Expr {
  enum class Kind : uint8_t { literal, characters, sequence, choice, repeat, rule };

  Expr() = default;
  Expr(Kind k, std::vector<Expr> p) : kind(k), parts(std::move(p)) {}
  Expr(const char* literal_text) : kind(Kind::literal), text(literal_text) {}

  Kind kind = Kind::sequence;
  std::string text;         ///< literal: its bytes
  CharSet set;              ///< characters: one of these
  std::vector<Expr> parts;  ///< sequence, choice; repeat: the one that is repeated
  uint32_t min = 1;         ///< repeat
  uint32_t max = 1;         ///< repeat; may be kUnlimited
  RuleId rule = 0;          ///< rule
};

Expr literal(std::string text);
Expr characters(CharSet set);
Expr repeat(Expr part, uint32_t min, uint32_t max = kUnlimited);
Expr optional(Expr part);
Expr reference(RuleId rule);

template <class... Parts>
Expr sequence(Parts&&... parts) {
  Expr out;
  (out.parts.emplace_back(std::forward<Parts>(parts)), ...);
  return out;
}

template <class... Parts>
Expr choice(Parts&&... parts) {
  Expr out = sequence(std::forward<Parts>(parts)...);
  out.kind = Expr::Kind::choice;
  return out;
}

struct Rule {
  std::string name;
  std::string where;  ///< its place in the source, for messages
  Expr body;
};

/// The rules of a grammar; the text is what `root` says.
struct Rules {
  std::vector<Rule> list;
  RuleId root = 0;

  RuleId add(std::string name, std::string where, Expr body = {}) {
    list.push_back({std::move(name), std::move(where), std::move(body)});
    return static_cast<RuleId>(list.size() - 1);
  }
};

}  // namespace halcyon::grammar
