// Regular expressions over the characters of a JSON string.
#pragma once

#include <string_view>

#include "base/result.h"
#include "grammar/rules.h"

namespace halcyon::grammar {

/// What stands between the quotes of a JSON string that matches `pattern` (ECMA-262): characters, . \d \w \s
/// \D \W \S, classes, groups, |, * + ? {m} {m,} {m,n}. It has to be anchored, ^…$. Other things are errors
/// that name them.
Result<Expr> pattern_expr(std::string_view pattern);

}  // namespace halcyon::grammar
