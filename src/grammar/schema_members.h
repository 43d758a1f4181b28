// Lists whose elements have fixed places, some of them optional: the members of an object, the elements of an
// array.
#pragma once

#include <string>
#include <vector>

#include "grammar/json_rules.h"
#include "grammar/rules.h"

namespace halcyon::grammar {

/// One place of a list.
struct Member {
  RuleId rule;  ///< the element and the space behind it
  bool required;
};

/// The elements in this order with commas in between, and behind them `min_further` to `max_further` of
/// `further`. A place may only be empty where all places behind it may be, if `prefix`: elements of an array
/// have no names.
Expr list_of(Rules& rules, JsonRules& json, const std::vector<Member>& members, bool prefix,
             const Expr& further, uint32_t min_further, uint32_t max_further);

/// A JSON string, in one spelling, that is none of these.
Expr name_besides(Rules& rules, const std::vector<std::string>& names);

}  // namespace halcyon::grammar
