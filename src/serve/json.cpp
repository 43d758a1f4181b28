#include "serve/json.h"

namespace halcyon::serve {
namespace {

constexpr int kMaxDepth = 64;

bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// Without the library's own names: "[json.exception.parse_error.101] parse error at line 1, column 2: …".
std::string_view reason(std::string_view what) {
  const size_t at = what.find("] ");
  return at == std::string_view::npos ? what : what.substr(at + 2);
}

}  // namespace

Result<Json> parse_json(std::string_view text) try {
  if (is_too_deep(text)) return fail("the body is not usable: JSON nested deeper than {}", kMaxDepth);
  return Json::parse(text);
} catch (const Json::exception& error) {
  return fail("the body is not JSON: {}", reason(error.what()));
}

std::string to_text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace halcyon::serve
