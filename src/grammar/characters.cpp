#include "grammar/characters.h"

#include <algorithm>

namespace halcyon::grammar {
namespace {

constexpr CharRange kSurrogates{0xD800, 0xDFFF};
/// The last characters that take one, two, three and four bytes.
constexpr char32_t kLastOfLength[] = {0x7F, 0x7FF, 0xFFFF, kLastCharacter};

/// The gaps between ascending ranges, surrogates not looked at.
CharSet gaps(const CharSet& set) {
  CharSet out;
  char32_t next = 0;
  for (const CharRange& range : set) {
    if (range.first > next) out.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCharacter) out.push_back({next, kLastCharacter});
  return out;
}

/// Cuts a range until all places after the first differing one go through all continuation bytes.
void add_sequences(std::vector<ByteSequence>& out, CharRange range) {
  for (const char32_t last : kLastOfLength) {
    if (range.first <= last && last < range.last) {
      add_sequences(out, {range.first, last});
      add_sequences(out, {last + 1, range.last});
      return;
    }
  }
  for (const char32_t mask : {0x3Fu, 0xFFFu, 0x3FFFFu}) {
    if (range.last <= 0x7F || (range.first & ~mask) == (range.last & ~mask)) continue;
    if ((range.first & mask) != 0) {
      add_sequences(out, {range.first, range.first | mask});
      add_sequences(out, {(range.first | mask) + 1, range.last});
      return;
    }
    if ((range.last & mask) != mask) {
      add_sequences(out, {range.first, (range.last & ~mask) - 1});
      add_sequences(out, {range.last & ~mask, range.last});
      return;
    }
  }
  std::string first, last;
  append_utf8(first, range.first);
  append_utf8(last, range.last);
  ByteSequence sequence;
  for (size_t i = 0; i < first.size(); ++i)
    sequence.push_back({static_cast<uint8_t>(first[i]), static_cast<uint8_t>(last[i])});
  out.push_back(std::move(sequence));
}

}  // namespace

bool is_surrogate(char32_t character) {
  return character >= kSurrogates.first && character <= kSurrogates.last;
}

CharSet normalized(std::vector<CharRange> ranges) {
  std::ranges::sort(ranges, {}, &CharRange::first);
  CharSet merged;
  for (const CharRange& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last + 1)
      merged.back().last = std::max(merged.back().last, range.last);
    else
      merged.push_back(range);
  }
  return intersection(merged, gaps({kSurrogates}));
}

CharSet complement(const CharSet& set) { return normalized(gaps(set)); }

CharSet intersection(const CharSet& a, const CharSet& b) {
  CharSet out;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end(); i->last < j->last ? ++i : ++j) {
    const CharRange common{std::max(i->first, j->first), std::min(i->last, j->last)};
    if (common.first <= common.last) out.push_back(common);
  }
  return out;
}

bool contains(const CharSet& set, char32_t character) {
  const auto after = std::ranges::upper_bound(set, character, {}, &CharRange::first);
  return after != set.begin() && character <= std::prev(after)->last;
}

void append_utf8(std::string& out, char32_t character) {
  const auto add = [&](char32_t byte) { out += static_cast<char>(byte); };
  const auto continuation = [&](int shift) { add(0x80 | (character >> shift & 0x3F)); };
  if (character <= 0x7F) {
    add(character);
  } else if (character <= 0x7FF) {
    add(0xC0 | character >> 6);
    continuation(0);
  } else if (character <= 0xFFFF) {
    add(0xE0 | character >> 12);
    continuation(6);
    continuation(0);
  } else {
    add(0xF0 | character >> 18);
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

std::optional<char32_t> take_character(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xC2 ? 0
                        : lead < 0xE0 ? 2
                        : lead < 0xF0 ? 3
                        : lead < 0xF5 ? 4
                                      : 0;
  if (length == 0 || length > text.size()) return std::nullopt;
  char32_t character = length == 1 ? lead : lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    character = character << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = length > 1 && character <= kLastOfLength[length - 2];
  if (overlong || is_surrogate(character) || character > kLastCharacter) return std::nullopt;
  text.remove_prefix(length);
  return character;
}

std::vector<ByteSequence> utf8_sequences(const CharSet& set) {
  std::vector<ByteSequence> out;
  for (const CharRange& range : set) add_sequences(out, range);
  return out;
}

}  // namespace halcyon::grammar
