// Whole texts against grammars.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "grammar/matcher.h"
#include "tests/support/support.h"

namespace halcyon::grammar::test {

using GrammarPtr = std::shared_ptr<const Grammar>;

/// Whether the text is one of the grammar, from its beginning to its end.
inline bool accepts(const GrammarPtr& grammar, std::string_view text) {
  Matcher matcher(grammar);
  return matcher.accept(text) && matcher.complete();
}

/// The grammar accepts the first texts and refuses the others.
inline void expect_texts(const Result<GrammarPtr>& grammar, std::initializer_list<std::string_view> accepted,
                         std::initializer_list<std::string_view> refused) {
  ASSERT_TRUE(grammar.has_value()) << grammar.error().message;
  for (const std::string_view text : accepted) EXPECT_TRUE(accepts(*grammar, text)) << "refused: " << text;
  for (const std::string_view text : refused) EXPECT_FALSE(accepts(*grammar, text)) << "accepted: " << text;
}

inline Result<GrammarPtr> from_schema(std::string_view schema) {
  return Grammar::from_json_schema(nlohmann::ordered_json::parse(schema));
}

inline std::string repeated(std::string_view text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

}  // namespace halcyon::grammar::test
