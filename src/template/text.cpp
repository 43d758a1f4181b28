#include "template/text.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

namespace halcyon::jinja {
namespace {

/// Character classes and case beyond ASCII are the C library's; without its UTF-8 locale only ASCII has case.
locale_t unicode_locale() {
  static const locale_t locale = [] {
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return utf8 ? utf8 : newlocale(LC_CTYPE_MASK, "C", nullptr);
  }();
  return locale;
}

size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

template <class Map>
std::string map_chars(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Char c = char_at(text, i);
    i += c.bytes.size();
    const uint32_t mapped = c.code == Char::invalid ? c.code : map(c.code);
    if (mapped == c.code)
      out += c.bytes;
    else
      append_utf8(out, mapped);
  }
  return out;
}

/// memmem is the two-way algorithm: linear even where the text and the part are nearly periodic.
size_t search(std::string_view text, std::string_view part) {
  if (part.empty()) return 0;
  if (part.size() > text.size()) return text.npos;
  const void* found = ::memmem(text.data(), text.size(), part.data(), part.size());
  return found ? static_cast<size_t>(static_cast<const char*>(found) - text.data()) : text.npos;
}

}  // namespace

Char char_at(std::string_view text, size_t pos) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t n = sequence_length(byte(pos));
  if (n == 1) return {byte(pos), text.substr(pos, 1)};
  const Char invalid{Char::invalid, text.substr(pos, 1)};
  if (n == 0 || pos + n > text.size()) return invalid;
  uint32_t code = byte(pos) & (0xffu >> (n + 1));
  for (size_t i = 1; i < n; ++i) {
    if ((byte(pos + i) & 0xc0) != 0x80) return invalid;
    code = code << 6 | (byte(pos + i) & 0x3fu);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return invalid;
  return {code, text.substr(pos, n)};
}

Char last_char(std::string_view text) {
  size_t start = text.size() - 1;
  while (start > 0 && text.size() - start < 4 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80)
    --start;
  const Char c = char_at(text, start);
  if (start + c.bytes.size() == text.size()) return c;
  return {Char::invalid, text.substr(text.size() - 1)};
}

std::vector<Char> chars_of(std::string_view text) {
  std::vector<Char> out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); i += out.back().bytes.size()) out.push_back(char_at(text, i));
  return out;
}

size_t count_chars(std::string_view text) {
  size_t n = 0;
  for (size_t i = 0; i < text.size(); ++n) i += char_at(text, i).bytes.size();
  return n;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

bool is_space(uint32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f) || c == 0x85 || c == 0xa0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
         c == 0x205f || c == 0x3000;
}

bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }
bool is_alpha(uint32_t c) {
  if (c < 0x80) return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  return c != Char::invalid && iswalpha_l(c, unicode_locale());
}
bool is_upper(uint32_t c) { return c != to_lower(c); }
bool is_lower(uint32_t c) { return c != to_upper(c); }

bool is_printable(uint32_t c) {
  if (c < 0x7f) return c >= 0x20;
  if (c <= 0xa0 || c == 0xad || c == Char::invalid || is_space(c)) return false;
  return !((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           (c >= 0xe000 && c <= 0xf8ff) || c == 0xfeff || (c & 0xfffe) == 0xfffe || c >= 0xe0000);
}

uint32_t to_upper(uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 0x20 : c;
  return c == Char::invalid ? c : towupper_l(c, unicode_locale());
}

uint32_t to_lower(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
  return c == Char::invalid ? c : towlower_l(c, unicode_locale());
}

std::string upper(std::string_view text) { return replace(map_chars(text, to_upper), "ß", "SS"); }
std::string lower(std::string_view text) { return map_chars(text, to_lower); }

std::string capitalize(std::string_view text) {
  bool first = true;
  return map_chars(text, [&](uint32_t c) { return std::exchange(first, false) ? to_upper(c) : to_lower(c); });
}

std::string title(std::string_view text) {
  bool inside = false;
  return map_chars(text, [&](uint32_t c) {
    const bool start = !std::exchange(inside, is_alpha(c));
    return start ? to_upper(c) : to_lower(c);
  });
}

std::string_view strip(std::string_view text, std::optional<std::string_view> chars, bool left, bool right) {
  std::set<std::string_view> set;
  for (size_t i = 0; chars && i < chars->size();) {
    const std::string_view c = char_at(*chars, i).bytes;
    set.insert(c);
    i += c.size();
  }
  const auto removed = [&](const Char& c) { return chars ? set.contains(c.bytes) : is_space(c.code); };
  while (left && !text.empty()) {
    const Char c = char_at(text, 0);
    if (!removed(c)) break;
    text.remove_prefix(c.bytes.size());
  }
  while (right && !text.empty()) {
    const Char c = last_char(text);
    if (!removed(c)) break;
    text.remove_suffix(c.bytes.size());
  }
  return text;
}

// Both look at as much of the text as may be enough, then at twice as much: who calls them again and again
// has to pay for the distance only (rfind_part copies what it looks at, sanitizers check what memmem is
// given).

size_t find_part(std::string_view text, std::string_view part, size_t from) {
  if (from > text.size()) return text.npos;
  for (size_t n = part.size() + 64;; n *= 2) {
    const std::string_view start = text.substr(from, n);
    if (const size_t at = search(start, part); at != text.npos) return from + at;
    if (start.size() == text.size() - from) return text.npos;
  }
}

size_t rfind_part(std::string_view text, std::string_view part) {
  if (part.size() > text.size()) return text.npos;
  const std::string backwards(part.rbegin(), part.rend());
  for (size_t n = part.size() + 64;; n *= 2) {
    const std::string_view end = text.substr(text.size() - std::min(n, text.size()));
    const size_t at = search(std::string(end.rbegin(), end.rend()), backwards);
    if (at != text.npos) return text.size() - at - part.size();
    if (end.size() == text.size()) return text.npos;
  }
}

std::string replace(std::string_view text, std::string_view from, std::string_view to, int64_t count) {
  std::string out;
  size_t done = 0;
  if (from.empty()) {  // between all characters, and at both ends
    while (count != 0) {
      --count;
      out += to;
      if (done == text.size()) break;
      const std::string_view c = char_at(text, done).bytes;
      out += c;
      done += c.size();
    }
    return out.append(text.substr(done));
  }
  for (; count != 0; --count) {
    const size_t at = find_part(text, from, done);
    if (at == std::string_view::npos) break;
    out.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return out.append(text.substr(done));
}

}  // namespace halcyon::jinja
