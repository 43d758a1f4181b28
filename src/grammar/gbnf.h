// Reads GBNF, the grammar notation of GGUF models' users.
#pragma once

#include <string_view>

#include "base/result.h"
#include "grammar/rules.h"

namespace halcyon::grammar {

/// Errors begin with "line L, column C: ". All rules that are named are there, and so is `root`.
Result<Rules> parse_gbnf(std::string_view source);

}  // namespace halcyon::grammar
