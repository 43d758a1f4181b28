#include "base/quote.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace halcyon {
namespace {

struct Character {
  uint32_t code;
  size_t length;  ///< bytes; 0: not UTF-8
};

/// The character at the start of a text that is not empty.
Character decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return {0, 0};
  uint32_t code = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return overlong || surrogate || code > 0x10FFFF ? Character{0, 0} : Character{code, length};
}

bool is_control(uint32_t code) {
  const bool ends_line = code == 0x2028 || code == 0x2029;
  const bool reorders = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || ends_line || reorders;
}

void append_escaped(std::string& out, uint32_t code) {
  switch (code) {
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += code < 0x100 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
  }
}

/// At most `longest` bytes of `text`, and whether that is all.
std::pair<std::string, bool> escaped(std::string_view text, size_t longest, std::string_view also) {
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    const Character c = decode(text.substr(at));
    const size_t length = std::max<size_t>(c.length, 1);
    if (length > longest - at) break;
    if (c.length == 0)
      append_escaped(out, static_cast<uint8_t>(text[at]));
    else if (is_control(c.code))
      append_escaped(out, c.code);
    else
      out.append(also.contains(text[at]) ? "\\" : "").append(text.substr(at, length));
    at += length;
  }
  return {out, at == text.size()};
}

}  // namespace

std::string quote(std::string_view text, size_t longest) {
  const auto [out, all] = escaped(text, longest, "\"\\");
  return '"' + out + (all ? "\"" : "…\"");
}

std::string one_line(std::string_view text, size_t longest) {
  const auto [out, all] = escaped(text, longest, "");
  return out + (all ? "" : "…");
}

}  // namespace halcyon
