#include "tokenizer/utf8.h"

#include <algorithm>

namespace halcyon::tokenizer::utf8 {
namespace {

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }
bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

Decoded decode(std::string_view text, size_t at) {
  const uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC0 || lead >= 0xF8) return {kReplacement, 1};
  const size_t length = length_from_lead(lead);
  if (length > text.size() - at) return {kReplacement, 1};
  char32_t code_point = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; i++) {
    const uint8_t next = byte_at(text, at + i);
    if (!is_continuation(next)) return {kReplacement, 1};
    code_point = code_point << 6 | (next & 0x3F);
  }
  return {code_point > 0x10FFFF ? kReplacement : code_point, length};
}

void append(std::string& out, char32_t code_point) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

Wellformed examine(std::string_view text, size_t at) {
  const uint8_t lead = byte_at(text, at);
  if (lead < 0x80) return {1, Wellformed::character};
  if (lead < 0xC2 || lead > 0xF4) return {1, Wellformed::invalid};
  // The second byte's range rules out overlong forms, surrogates and code points above U+10FFFF.
  const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  const size_t length = length_from_lead(lead);
  for (size_t i = 1; i < length; i++) {
    if (at + i == text.size()) return {i, Wellformed::incomplete};
    const uint8_t next = byte_at(text, at + i);
    const bool fits = i == 1 ? next >= low && next <= high : is_continuation(next);
    if (!fits) return {i, Wellformed::invalid};
  }
  return {length, Wellformed::character};
}

}  // namespace halcyon::tokenizer::utf8
