// Sets of Unicode characters, and their UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace halcyon::grammar {

inline constexpr char32_t kLastCharacter = 0x10FFFF;

struct CharRange {
  char32_t first;
  char32_t last;  ///< included
  bool operator==(const CharRange&) const = default;
};

/// Ascending, disjoint and without surrogates, as `normalized` makes them.
using CharSet = std::vector<CharRange>;

bool is_surrogate(char32_t character);

CharSet normalized(std::vector<CharRange> ranges);
CharSet complement(const CharSet& set);
CharSet intersection(const CharSet& a, const CharSet& b);
bool contains(const CharSet& set, char32_t character);

/// Appends a character that is no surrogate.
void append_utf8(std::string& out, char32_t character);

/// Takes the first character off a text that is not empty; nothing if it is not UTF-8.
std::optional<char32_t> take_character(std::string_view& text);

/// The byte ranges of each place of an encoding: {{E1, EC}, {80, BF}, {80, BF}}.
struct ByteRange {
  uint8_t first;
  uint8_t last;
  auto operator<=>(const ByteRange&) const = default;
};
using ByteSequence = std::vector<ByteRange>;

/// Byte sequences that together are the UTF-8 of the set.
std::vector<ByteSequence> utf8_sequences(const CharSet& set);

}  // namespace halcyon::grammar
