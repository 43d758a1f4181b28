// Any bytes as a grammar, and any others as a text for it. The first byte selects GBNF (0) or JSON Schema
// (1), a line of three dashes ends the source, and the text follows.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "grammar/matcher.h"

namespace {

using namespace halcyon;
using namespace halcyon::grammar;

constexpr std::string_view kSeparator = "\n---\n";

void require(bool condition) {
  if (!condition) std::abort();
}

Result<std::shared_ptr<const Grammar>> read(bool is_schema, std::string_view source) {
  if (!is_schema) {
    auto grammar = Grammar::parse(source);
    require(grammar || grammar.error().message.starts_with("line ") ||
            grammar.error().message.starts_with("the grammar "));
    return grammar;
  }
  const auto json = nlohmann::ordered_json::parse(source, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return fail("no JSON");
  return Grammar::from_json_schema(json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::string> pieces = {
      "",  "a",  "b",  "ab",   "\"", "{",    "}", "[", "]", ":", ",",  "1",        "-",    "0.5",
      " ", "\n", "\\", "true", "é",  "\xc3", "x", "y", "(", ")", "日", "\xf0\x9f", "\"a\""};
  static const Vocabulary vocabulary(pieces);
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t end = std::min(input.find(kSeparator), input.size());
  const auto grammar = read(data[0] & 1, input.substr(0, end));
  if (!grammar) return 0;

  Matcher matcher(*grammar);
  std::string_view text = input.substr(std::min(end + kSeparator.size(), input.size()));
  for (text = text.substr(0, 64); !text.empty(); text.remove_prefix(1)) {
    const std::string_view byte = text.substr(0, 1);
    const bool allowed = matcher.allows(byte);
    require(matcher.accept(byte) == allowed);
    if (!allowed) break;
  }
  require(!matcher.finished() || matcher.complete());
  std::vector<float> logits(pieces.size());
  matcher.mask(vocabulary, logits);
  for (size_t token = 0; token < pieces.size(); ++token)
    if (!std::isinf(logits[token])) require(!pieces[token].empty() && matcher.allows(pieces[token]));
  return 0;
}
