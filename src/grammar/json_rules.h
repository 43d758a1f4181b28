// The rules of JSON (RFC 8259) that generation needs: white space and numbers have an end, and strings can be
// narrowed.
#pragma once

#include <map>
#include <string_view>

#include "grammar/rules.h"

namespace halcyon::grammar {

/// A character of a JSON string that is one of `set`, in one spelling: \" \\ \b \f \n \r \t and \u00xx where
/// it has to be escaped, and itself elsewhere.
Expr json_character(const CharSet& set);

/// Adds each rule when it is first asked for.
class JsonRules {
 public:
  explicit JsonRules(Rules& rules) : rules_(rules) {}

  RuleId space();      ///< nothing, a space, or a line's end and its indentation
  RuleId character();  ///< of a string, with every spelling of RFC 8259; surrogates only in pairs
  RuleId string();
  RuleId integer();  ///< up to 20 digits
  RuleId number();
  RuleId boolean();
  RuleId null();
  RuleId value();
  RuleId array();
  RuleId object();

  /// `open`, the contents and `close`, with space around the contents.
  Expr enclosed(const char* open, Expr contents, const char* close);
  /// What stands between two elements, and between a name and its value.
  Expr comma() { return sequence(",", reference(space())); }
  Expr colon() { return sequence(":", reference(space())); }

 private:
  /// The rule of that name, whose body `body()` makes.
  template <class Body>
  RuleId rule(std::string_view name, Body body);

  Rules& rules_;
  std::map<std::string_view, RuleId> known_;
};

}  // namespace halcyon::grammar
