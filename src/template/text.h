// Text as Python sees it: sequences of Unicode characters, here in UTF-8. Bytes that are not UTF-8 are
// characters of their own, so that nothing is lost on the way through a template.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halcyon::jinja {

struct Char {
  uint32_t code = 0;       ///< the code point, or `invalid`
  std::string_view bytes;  ///< its bytes in the text
  static constexpr uint32_t invalid = UINT32_MAX;
};

/// The character at byte `pos`, which must be inside the text.
Char char_at(std::string_view text, size_t pos);

/// The last character of a text that is not empty.
Char last_char(std::string_view text);

/// Splits text into its characters.
std::vector<Char> chars_of(std::string_view text);

size_t count_chars(std::string_view text);
void append_utf8(std::string& out, uint32_t code);

bool is_space(uint32_t code);  ///< what str.strip() removes
bool is_alpha(uint32_t code);
bool is_digit(uint32_t code);
bool is_upper(uint32_t code);
bool is_lower(uint32_t code);
bool is_printable(uint32_t code);  ///< what repr() does not escape
uint32_t to_upper(uint32_t code);
uint32_t to_lower(uint32_t code);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);  ///< str.title(): a word starts after anything that is no letter

/// Removes characters from the ends: those in `chars`, or white space.
std::string_view strip(std::string_view text, std::optional<std::string_view> chars = {}, bool left = true,
                       bool right = true);

/// The place of the first `part` at or after `from`, or of the last one; npos if there is none. Takes time in
/// proportion to the bytes passed over, which string_view's own search does not.
size_t find_part(std::string_view text, std::string_view part, size_t from = 0);
size_t rfind_part(std::string_view text, std::string_view part);

/// The text with every `from` replaced, at most `count` times (< 0: all).
std::string replace(std::string_view text, std::string_view from, std::string_view to, int64_t count = -1);

}  // namespace halcyon::jinja
